"""What each wrong server of the conformance kit breaks: its own rules, and no others."""

from __future__ import annotations

# The wrong servers of sample-servers/wrong_servers.py.
BROKEN = {
    "BlockBySocket": """
        a_list_holds_many_names a_block_stays_when_the_blocked_leave
        a_block_stays_when_a_connection_ends who_takes_a_blocked_name_is_followed
        a_blocked_person_takes_a_blocked_name who_left_can_be_unblocked
        a_name_from_the_own_list_stays_on_it a_block_holds_a_name_in_any_form
    """,
    "BlockByNameOnly": """
        a_block_follows_a_change_of_name a_block_follows_in_every_list
        a_block_leaves_the_old_name_behind a_block_stays_when_the_blocked_leave
        who_takes_a_blocked_name_is_followed a_blocked_person_takes_a_blocked_name
    """,
    "BlockKeepsOldName": """
        a_block_leaves_the_old_name_behind who_takes_a_blocked_name_is_followed
    """,
    "BlockedHearBroadcasts": """
        a_block_follows_a_change_of_name a_block_stays_when_the_blocked_leave
        a_blocked_broadcast_skips_the_blocker
    """,
    "BlockOneself": """
        nobody_blocks_oneself
    """,
    "OnePersonBlocked": """
        several_people_can_be_blocked a_list_holds_many_names
    """,
    "UnblockLiftsAll": """
        unblock_lifts_one_block
    """,
    "FirstListOnly": """
        a_block_follows_in_every_list
    """,
    "FollowedBeforeChecked": """
        a_refused_change_of_name_moves_no_block
    """,
    "BlockLostAtABreak": """
        a_block_stays_when_a_connection_ends
    """,
    "WritingLiftsABlock": """
        writing_lifts_no_block
    """,
    "NameTakenOverBlockers": """
        a_blocked_person_takes_a_blocked_name
    """,
    "BlockedBeforeLookedUp": """
        block_needs_somebody_of_that_name
    """,
    "ListsByName": """
        a_refused_change_of_name_moves_no_block who_takes_a_blocked_name_is_followed
        a_block_ends_with_the_blocker a_blocked_broadcast_skips_the_blocker a_block_is_one_persons
    """,
    "CrashOnBadText": """
        a_payload_that_is_not_utf8 invalid_utf8_harms_nobody
    """,
    "ControlCharactersPass": """
        control_characters bad_text_goes_before_everything only_one_line_end_is_dropped
    """,
    "StripsEverything": """
        block_needs_somebody_of_that_name an_empty_payload_is_no_command an_empty_argument_is_one
        only_one_line_end_is_dropped spaces_are_kept no_other_characters_in_a_name
        a_name_with_a_space_is_bad
    """,
    "EnterKeyKept": """
        the_enter_key_is_dropped
    """,
    "VerbsInCapitalsOnly": """
        verbs_in_any_case
    """,
    "RenameIsJoin": """
        events_are_not_blocked renamed_is_told_to_the_others cause_before_effect
        a_change_of_capitals_alone
    """,
    "BroadcastEcho": """
        a_broadcast_does_not_come_back
    """,
    "UnnamedHear": """
        who_has_no_name_hears_nothing
    """,
    "ListChangedWhileIterated": """
        nothing_is_read_after_exit what_came_before_exit_is_done a_half_closed_connection_leaves
        many_leave_at_once cause_before_effect a_name_keeps_its_capitals
    """,
    "MessageConfirmed": """
        a_message_is_not_answered
    """,
    "FirstWordOnly": """
        the_whole_text_arrives spaces_are_kept text_passes_untouched
    """,
    "SpacesJoined": """
        spaces_are_kept text_passes_untouched
    """,
    "CharactersForTooLong": """
        a_message_too_long
    """,
    "TooLongCutShort": """
        a_message_too_long
    """,
    "UnblockNeedsThePerson": """
        who_left_can_be_unblocked unblock_needs_the_name_on_the_list
    """,
    "NameAskedFirst": """
        bad_arguments_go_before_name_required nothing_visible_goes_before_name_required
    """,
    "TooLongFirst": """
        too_long_goes_last
    """,
    "LeftBeforeBye": """
        bye_is_the_last_frame
    """,
    "InvisibleTexts": """
        a_text_of_invisible_letters
    """,
    "TextSeenLast": """
        nothing_visible_goes_before_name_required
    """,
    "MarkTakenOff": """
        a_byte_order_mark_is_kept
    """,
    "Utf8Sig": """
        a_byte_order_mark_is_kept
    """,
    "PasswordMayBeMissing": """
        a_password_that_is_missing
    """,
    "EmptyArgumentIsNone": """
        an_empty_argument_is_one
    """,
    "LeftNone": """
        who_had_no_name_leaves_silently
    """,
    "NoText": """
        an_error_has_a_text
    """,
    "SmallCodes": """
        an_error_has_a_code_in_capitals
    """,
    "NoAddressee": """
        a_message_arrives a_broadcast_reaches_everybody
    """,
    "CaseSensitiveNames": """
        a_block_outlives_a_change_of_capitals nobody_blocks_oneself a_block_holds_a_name_in_any_form
        a_name_finds_its_owner_in_any_form a_taken_name_is_taken_in_any_capitals
        case_folding_is_more_than_lower names_are_normalised_again_once_folded names_are_sorted
        a_name_keeps_its_capitals a_change_of_capitals_alone
    """,
    "LowerForCasefold": """
        case_folding_is_more_than_lower names_are_normalised_again_once_folded names_are_sorted
    """,
    "NotNormalised": """
        a_block_holds_a_name_in_any_form a_name_finds_its_owner_in_any_form
        names_are_normalised_again_once_folded a_name_is_shown_in_its_nfkc_form the_longest_name
        a_name_too_long letters_marks_and_numbers_of_every_script no_other_characters_in_a_name
        broadcast_is_nobodys_name the_same_name_again
    """,
    "BytesOfAName": """
        the_longest_name names_that_do_not_fit_one_frame
    """,
    "MarksForbidden": """
        names_are_normalised_again_once_folded letters_marks_and_numbers_of_every_script
    """,
    "TakenNameGiven": """
        a_refused_name_is_not_told a_taken_name_is_taken_in_any_capitals
        case_folding_is_more_than_lower names_are_normalised_again_once_folded
        a_name_is_shown_in_its_nfkc_form a_name_is_given_once a_refused_change_changes_nothing
        who_was_refused_a_name_has_none a_name_that_many_want_at_once
    """,
    "SortedAsWritten": """
        names_are_sorted
    """,
    "OneFrameForAllNames": """
        names_that_do_not_fit_one_frame
    """,
    "UnnamedListed": """
        who_has_no_name_is_not_listed nobody_here
    """,
    "OldNameKept": """
        a_block_leaves_the_old_name_behind who_takes_a_blocked_name_is_followed
        a_block_outlives_the_blockers_change_of_name names_are_sorted a_change_of_name
    """,
    "SameNameIsNews": """
        the_same_name_again
    """,
    "NamesRemembered": """
        the_list_follows_a_change_of_name
    """,
    "InvisibleNames": """
        no_invisible_characters_in_a_name
    """,
    "FoldedOnce": """
        names_are_normalised_again_once_folded
    """,
    "TotalWithoutOneself": """
        the_total_is_the_number_of_names names_that_do_not_fit_one_frame
    """,
    "NoTotal": """
        the_total_is_the_number_of_names nobody_here names_that_do_not_fit_one_frame
    """,
    "OneRecvIsOneMessage": """
        a_payload_of_some_thousand_bytes an_empty_payload a_frame_cut_anywhere one_byte_at_a_time
        a_character_cut_in_two many_frames_in_one_packet a_name_and_more_in_one_packet
        several_frames_and_a_bit a_frame_of_a_round_size more_than_one_read_can_hold
        half_a_length_field_stops_nobody half_a_payload_stops_nobody half_frames_of_many
        nothing_is_read_after_exit what_came_before_exit_is_done
        half_closed_connections_are_answered who_says_something_and_closes
        all_that_waits_comes_before_bye a_slow_reader_may_stop_sending the_longest_message
        a_message_too_long two_messages_never_change_places an_answer_overtakes_nothing
        many_reset_at_once who_asks_much_and_is_gone no_reset_overtakes_the_reason
        what_came_before_a_bad_frame_is_answered wrong_requests_of_any_length
        a_sender_too_fast_is_slowed_down_and_loses_nothing a_sender_too_fast_may_leave
        all_talk_at_once a_slow_reader_gets_everything a_slow_reader_stops_nobody
        a_slow_listener_stops_no_broadcast who_stops_within_a_frame_stays
    """,
    "LeftoverLost": """
        a_frame_cut_anywhere one_byte_at_a_time a_character_cut_in_two several_frames_and_a_bit
        more_than_one_read_can_hold half_a_payload_stops_nobody half_frames_of_many
        all_that_waits_comes_before_bye a_slow_reader_may_stop_sending a_slow_reader_gets_everything
        a_slow_reader_stops_nobody who_stops_within_a_frame_stays
    """,
    "OnlyTheFirstFrame": """
        an_empty_payload many_frames_in_one_packet a_name_and_more_in_one_packet
        several_frames_and_a_bit more_than_one_read_can_hold what_came_before_exit_is_done
        half_closed_connections_are_answered who_says_something_and_closes
        all_that_waits_comes_before_bye a_slow_reader_may_stop_sending
        two_messages_never_change_places an_answer_overtakes_nothing many_reset_at_once
        who_asks_much_and_is_gone what_came_before_a_bad_frame_is_answered
        a_sender_too_fast_is_slowed_down_and_loses_nothing a_sender_too_fast_may_leave
        all_talk_at_once a_slow_reader_gets_everything a_slow_reader_stops_nobody
    """,
    "LengthByInt": """
        a_length_that_is_no_number a_length_that_only_int_understands digits_of_other_scripts
    """,
    "DigitsOfAllScripts": """
        digits_of_other_scripts
    """,
    "BlockingPayload": """
        half_a_length_field_stops_nobody half_a_payload_stops_nobody
    """,
    "SendForSendall": """
        all_that_waits_comes_before_bye a_slow_reader_may_stop_sending a_slow_reader_gets_everything
        who_has_left_reads_on
    """,
    "BlockingSend": """
        a_slow_reader_stops_nobody a_slow_listener_stops_no_broadcast
        who_does_not_read_its_answers_stops_nobody who_has_left_reads_on
    """,
    "CrashOnReset": """
        left_is_told_when_a_connection_breaks a_reset_at_any_moment many_reset_at_once
        a_broadcast_meets_broken_connections a_connection_that_is_over_is_closed
    """,
    "CloseAtOnce": """
        all_that_waits_comes_before_bye a_slow_reader_may_stop_sending no_reset_overtakes_the_reason
        who_has_left_reads_on
    """,
    "ReasonLost": """
        a_length_that_is_no_number a_length_that_only_int_understands digits_of_other_scripts
        a_bad_frame_is_a_departure garbage_is_answered_in_order no_reset_overtakes_the_reason
        what_came_before_a_bad_frame_is_answered
    """,
    "EmptyPayloadIsTheEnd": """
        an_empty_payload_is_no_command an_empty_payload
    """,
    "DeafAtTheEnd": """
        half_closed_connections_are_answered who_says_something_and_closes
        a_slow_reader_may_stop_sending who_asks_much_and_is_gone a_sender_too_fast_may_leave
    """,
    "ReadsBehindExit": """
        nothing_is_read_after_exit
    """,
    "NameFreedAtExitOnly": """
        a_block_stays_when_a_connection_ends a_block_ends_with_the_blocker
        a_name_is_free_after_a_break a_slow_reader_may_stop_sending
    """,
    "SilentBreak": """
        left_is_told_when_a_connection_ends left_is_told_when_a_connection_breaks
        a_slow_reader_may_stop_sending a_half_closed_connection_leaves leaving_within_a_frame
        many_leave_at_once
    """,
    "LengthInCharacters": """
        a_request_counts_bytes an_answer_counts_bytes a_character_cut_in_two
        a_name_finds_its_owner_in_any_form spaces_are_kept text_passes_untouched
        a_byte_order_mark_is_kept the_longest_message a_message_too_long
        case_folding_is_more_than_lower names_are_normalised_again_once_folded
        a_name_is_shown_in_its_nfkc_form the_longest_name letters_marks_and_numbers_of_every_script
        names_are_sorted names_that_do_not_fit_one_frame
    """,
    "Newlines": """
        an_answer_is_one_frame
    """,
    "LineEndInside": """
        an_answer_is_one_frame the_longest_message
    """,
    "EndForgetsAnswers": """
        a_slow_reader_may_stop_sending
    """,
    "DropsTheIdle": """
        who_says_nothing_stays who_stops_within_a_frame_stays
    """,
    "NeverCloses": """
        a_connection_that_is_over_is_closed
    """,
    "NeverClosesTheRefused": """
        a_connection_that_is_over_is_closed
    """,
    "ShortQueue": """
        a_class_arrives_at_once many_come_while_the_server_is_busy
    """,
    "WaitsForTheFirstWord": """
        connections_that_say_nothing
    """,
    "HalfFrameDeadline": """
        who_stops_within_a_frame_stays
    """,
    "HastyFarewell": """
        who_has_left_reads_on
    """,
    "CutsOffSoon": """
        all_that_waits_comes_before_bye a_slow_reader_may_stop_sending a_slow_reader_gets_everything
        who_has_left_reads_on
    """,
    "CutOffIsNoDeparture": """
        who_is_cut_off_has_left
    """,
    "BadFrameIsNoDeparture": """
        a_bad_frame_is_a_departure
    """,
    "AnswersOvertake": """
        a_name_and_more_in_one_packet all_that_waits_comes_before_bye an_answer_overtakes_nothing
        what_came_before_a_bad_frame_is_answered
    """,
    "FreeOnceClosed": """
        a_list_holds_many_names a_block_stays_when_the_blocked_leave
        who_takes_a_blocked_name_is_followed a_blocked_person_takes_a_blocked_name
        who_left_can_be_unblocked unblocked_spells_a_name_like_its_owner
        a_message_to_oneself_whatever_one_blocks a_name_from_the_own_list_stays_on_it
        a_block_ends_with_the_blocker events_are_not_blocked a_block_holds_a_name_in_any_form
        nobody_of_that_name left_is_told_to_the_others the_last_name_is_the_one_that_left
        a_name_is_free_after_exit who_left_is_not_listed a_half_closed_connection_leaves
        a_name_keeps_its_capitals
    """,
    "ErrorsEnd": """
        a_block_outlives_a_change_of_capitals a_block_leaves_the_old_name_behind
        a_block_outlives_the_blockers_change_of_name block_needs_somebody_of_that_name
        a_block_holds_a_name_in_any_form an_error_ends_nothing the_enter_key_is_dropped
        an_empty_payload who_left_is_not_listed a_message_to_a_stranger_does_no_harm
        a_name_is_shown_in_its_nfkc_form a_change_of_name a_refused_change_changes_nothing
        who_asks_much_and_is_gone
    """,
    "FastOnesLose": """
        a_list_holds_many_names control_characters many_frames_in_one_packet
        more_than_one_read_can_hold two_messages_never_change_places many_reset_at_once
        a_sender_too_fast_is_slowed_down_and_loses_nothing a_sender_too_fast_may_leave
    """,
    "SmallFramesOnly": """
        name_required_goes_before_what_is_wrong_with_a_name too_long_goes_last the_longest_payload
        a_frame_of_a_round_size more_than_one_read_can_hold all_that_waits_comes_before_bye
        the_longest_message a_message_too_long a_name_too_long who_asks_much_and_is_gone
        wrong_requests_of_any_length a_slow_reader_gets_everything a_slow_reader_stops_nobody
        a_slow_listener_stops_no_broadcast who_has_left_reads_on
    """,
    "BrokenOneSkipsTheNext": """
        a_broadcast_meets_broken_connections
    """,
    "CapitalsLoseABlock": """
        a_block_outlives_a_change_of_capitals
    """,
    "FoldedUnblocked": """
        unblocked_spells_a_name_like_its_owner
    """,
    "BlockedByOneself": """
        a_message_to_oneself_whatever_one_blocks
    """,
    "AskedIsNamed": """
        who_was_refused_a_name_has_none
    """,
    "NoUsage": """
        a_missing_argument
    """,
}

# How much a kernel takes at once is its own affair, and when a second begins: some rules are broken
# or not, and one at least is.
BY_CHANCE = {
    "OneRecvIsOneMessage",
    "LeftoverLost",
    "OnlyTheFirstFrame",
    "SendForSendall",
    "BlockingSend",
    "CloseAtOnce",
    "EndForgetsAnswers",
    "ShortQueue",
    "CutsOffSoon",
    "AnswersOvertake",
    "FreeOnceClosed",
    "ErrorsEnd",
    "FastOnesLose",
}

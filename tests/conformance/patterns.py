"""Mistakes that break several rules at once, known by the rules that they break together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class Pattern:
    """One mistake: where all of `sure` are broken, `also` are broken for the same reason.

    What was seen in each of the sure ones has something in it that matches `where`.
    """

    seen: str
    guess: str
    sure: set[str]  # rules, as their functions are called, without test_
    also: set[str]
    where: str = ""  # a regular expression

    def explained(self, broken: Mapping[str, str]) -> set[str]:
        """Return which broken rules this explains: none, unless the surest are among them.

        `broken` says of each what was seen.
        """
        if not all(rule in broken and re.search(self.where, broken[rule]) for rule in self.sure):
            return set()
        found = set(broken) if EVERYTHING in self.also else (self.sure | self.also) & broken.keys()
        return found if len(found) > 1 else set()


def pattern(seen: str, guess: str, sure: str, also: str = "", where: str = "") -> Pattern:
    return Pattern(seen, guess, set(sure.split()), set(also.split()), where)


EVERYTHING = "everything"

# Broken with either half of "TCP joins and cuts", because they send much in one go.
MUCH_AT_ONCE = """
    all_that_waits_comes_before_bye a_slow_reader_may_stop_sending a_slow_reader_gets_everything
    a_slow_reader_stops_nobody a_slow_listener_stops_no_broadcast many_reset_at_once
    more_than_one_read_can_hold the_longest_message a_message_too_long half_frames_of_many
    who_does_not_read_its_answers_stops_nobody a_frame_of_a_round_size
    a_payload_of_some_thousand_bytes wrong_requests_of_any_length no_reset_overtakes_the_reason
"""
JOINED = """
    an_empty_payload a_name_and_more_in_one_packet what_came_before_exit_is_done
    nothing_is_read_after_exit half_closed_connections_are_answered who_says_something_and_closes
    who_asks_much_and_is_gone an_answer_overtakes_nothing two_messages_never_change_places
    what_came_before_a_bad_frame_is_answered
    a_sender_too_fast_is_slowed_down_and_loses_nothing a_sender_too_fast_may_leave all_talk_at_once
    a_connection_that_is_over_is_closed
"""
CUT = """
    a_character_cut_in_two half_a_length_field_stops_nobody half_a_payload_stops_nobody
    leaving_within_a_frame who_stops_within_a_frame_stays
"""

PATTERNS = [  # the first that fits explains a rule
    pattern(
        "what one frame asked was not answered before the next had come",
        "is a frame dealt with as soon as its last byte is there? Then nothing more need come",
        "an_answer_is_one_frame exit_is_answered_with_bye a_name_is_answered_with_hello",
        EVERYTHING,
        where="in vain for",
    ),
    pattern(
        "frames that came joined, or cut in two, were not understood",
        "is one recv() taken for one frame? Keep a buffer for each client: add what recv()"
        " returned, take out every frame that is whole, and leave the rest for the next time",
        "many_frames_in_one_packet a_frame_cut_anywhere one_byte_at_a_time",
        "several_frames_and_a_bit " + JOINED + CUT + MUCH_AT_ONCE,
    ),
    pattern(
        "of frames that came in one packet, the first was read and the others were not",
        "is there a loop that takes every whole frame out of what recv() returned?",
        "many_frames_in_one_packet a_name_and_more_in_one_packet several_frames_and_a_bit",
        JOINED + MUCH_AT_ONCE,
    ),
    pattern(
        "frames that came in two parts were not understood",
        "is what stands behind the last whole frame thrown away, instead of kept until the rest"
        " comes?",
        "a_frame_cut_anywhere one_byte_at_a_time a_character_cut_in_two",
        "several_frames_and_a_bit " + CUT + MUCH_AT_ONCE,
    ),
    pattern(
        "while a client had sent half a frame, nobody else was served",
        "a blocking recv() in your loop, that waits for the rest?",
        "half_a_length_field_stops_nobody half_a_payload_stops_nobody",
        "half_frames_of_many who_stops_within_a_frame_stays a_frame_cut_anywhere"
        " one_byte_at_a_time",
    ),
    pattern(
        "a length field that came in two parts was not understood",
        "is it taken from one recv(4), which may return less than four bytes?",
        "a_frame_cut_anywhere one_byte_at_a_time",
        "several_frames_and_a_bit half_a_length_field_stops_nobody half_frames_of_many"
        " leaving_within_a_frame",
    ),
    pattern(
        "frames of some thousand bytes were refused",
        "is there a limit of your own on a frame, such as 1024 or 4096 bytes? A payload may have"
        " 9999",
        "the_longest_payload wrong_requests_of_any_length",
        """
        name_required_goes_before_what_is_wrong_with_a_name too_long_goes_last the_longest_message
        a_message_too_long a_name_too_long an_error_has_a_text a_payload_of_some_thousand_bytes
        a_frame_of_a_round_size more_than_one_read_can_hold who_has_left_reads_on
        who_asks_much_and_is_gone
        """
        + MUCH_AT_ONCE,
    ),
    pattern(
        "of many requests that came at once, some were not dealt with",
        "are requests beyond so many a second thrown away, where they should wait?",
        "a_sender_too_fast_is_slowed_down_and_loses_nothing",
        """
        a_sender_too_fast_may_leave many_frames_in_one_packet more_than_one_read_can_hold
        two_messages_never_change_places many_reset_at_once all_talk_at_once control_characters
        no_other_characters_in_a_name a_connection_that_is_over_is_closed who_is_cut_off_has_left
        a_list_holds_many_names half_closed_connections_are_answered a_slow_reader_may_stop_sending
        what_came_before_exit_is_done a_frame_cut_anywhere who_asks_much_and_is_gone
        a_payload_that_is_not_utf8 a_name_is_shown_in_its_nfkc_form
        no_invisible_characters_in_a_name
        """,
    ),
    pattern(
        "an answer came before what had been dealt with before it",
        "are answers sent at once, and messages and events when the turn is over?",
        "an_answer_overtakes_nothing",
        """
        a_name_and_more_in_one_packet all_that_waits_comes_before_bye cause_before_effect
        what_came_before_a_bad_frame_is_answered what_came_before_exit_is_done
        """,
    ),
    pattern(
        "while somebody had connected and said nothing, nobody else was served",
        "does the server wait for the newcomer's first words, in a recv() behind accept()?",
        "connections_that_say_nothing",
        """
        a_name_is_required a_refused_name_is_not_told who_had_no_name_leaves_silently
        broadcast_is_nobodys_name who_has_no_name_hears_nothing who_was_refused_a_name_has_none
        an_error_has_a_text an_error_ends_nothing nothing_visible_goes_before_name_required
        a_name_that_many_want_at_once half_a_length_field_stops_nobody a_class_arrives_at_once
        a_password_that_nobody_wants the_total_is_the_number_of_names who_has_no_name_is_not_listed
        """,
    ),
    pattern(
        "while a client did not read, nobody else was served",
        "does send() or sendall() wait for the slowest client?",
        "a_slow_reader_stops_nobody a_slow_listener_stops_no_broadcast",
        "who_does_not_read_its_answers_stops_nobody all_that_waits_comes_before_bye"
        " a_slow_reader_gets_everything a_slow_reader_may_stop_sending who_has_left_reads_on",
    ),
    pattern(
        "a client that did not read for a while was cut off",
        "is it given up too soon? 256,000 bytes must be able to wait for it",
        "a_slow_reader_gets_everything",
        "all_that_waits_comes_before_bye a_slow_reader_may_stop_sending a_slow_reader_stops_nobody"
        " who_does_not_read_its_answers_stops_nobody who_has_left_reads_on",
        where="(closed|reset) the connection|connection ended",
    ),
    pattern(
        "of what waited for a slow reader, some was lost",
        "is send() taken for sendall(), and what it did not take forgotten?",
        "a_slow_reader_gets_everything",
        "all_that_waits_comes_before_bye a_slow_reader_may_stop_sending who_has_left_reads_on",
    ),
    pattern(
        "what a slow reader got was not frames",
        "does new data go out while older still waits, or is what send() did not take forgotten?",
        "a_slow_reader_may_stop_sending",
        "all_that_waits_comes_before_bye a_slow_reader_gets_everything who_has_left_reads_on",
        where="length field belongs|not UTF-8",
    ),
    pattern(
        "whatever was not ASCII was cut or counted wrongly",
        "is the length that of the text, where the length of text.encode() is meant?",
        "a_request_counts_bytes an_answer_counts_bytes",
        """
        a_name_finds_its_owner_in_any_form spaces_are_kept text_passes_untouched
        a_byte_order_mark_is_kept the_longest_message a_message_too_long
        case_folding_is_more_than_lower names_are_normalised_again_once_folded
        a_name_is_shown_in_its_nfkc_form the_longest_name
        letters_marks_and_numbers_of_every_script names_are_sorted a_character_cut_in_two
        names_that_do_not_fit_one_frame a_block_holds_a_name_in_any_form an_unknown_verb
        control_characters nothing_visible_goes_before_name_required a_text_that_nobody_can_see
        a_text_of_invisible_letters a_name_too_long no_other_characters_in_a_name
        no_invisible_characters_in_a_name a_name_begins_with_a_letter_or_a_number
        broadcast_is_nobodys_name the_same_name_again wrong_requests_of_any_length
        """,
    ),
    pattern(
        "a name that somebody has was given to others",
        "does anybody look whether the name is in use?",
        "a_name_is_given_once a_taken_name_is_taken_in_any_capitals",
        """
        a_refused_name_is_not_told case_folding_is_more_than_lower
        names_are_normalised_again_once_folded a_name_is_shown_in_its_nfkc_form
        a_refused_change_changes_nothing a_name_that_many_want_at_once
        """,
    ),
    pattern(
        "names in other capitals were taken for other names",
        "are names compared and looked up as they are written, where their folded forms are meant?",
        "a_taken_name_is_taken_in_any_capitals a_name_finds_its_owner_in_any_form",
        """
        nobody_blocks_oneself a_block_holds_a_name_in_any_form case_folding_is_more_than_lower
        names_are_normalised_again_once_folded names_are_sorted a_name_keeps_its_capitals
        a_change_of_capitals_alone a_name_is_shown_in_its_nfkc_form
        """,
    ),
    pattern(
        "names were not normalised",
        'is unicodedata.normalize("NFKC", name) missing?',
        "a_name_is_shown_in_its_nfkc_form the_longest_name a_name_finds_its_owner_in_any_form",
        """
        a_block_holds_a_name_in_any_form a_name_too_long the_same_name_again
        names_are_normalised_again_once_folded letters_marks_and_numbers_of_every_script
        no_other_characters_in_a_name broadcast_is_nobodys_name
        """,
    ),
    pattern(
        "names were shown as they were typed",
        "is the name kept before normalize(), where the normalised one is meant?",
        "a_name_is_shown_in_its_nfkc_form the_longest_name",
        "letters_marks_and_numbers_of_every_script the_same_name_again",
    ),
    pattern(
        "after an EXIT nobody was served until that client had closed its side as well",
        "is there a loop that reads until the client has closed, and nothing else?",
        "a_name_is_free_after_exit who_left_is_not_listed",
        "who_had_no_name_leaves_silently who_has_no_name_hears_nothing a_bad_frame_is_a_departure",
        where="in vain for the answer",
    ),
    pattern(
        "a name was not free until the client too had closed its side",
        "is somebody taken off the list when the socket is closed, and not at the EXIT?",
        "a_name_is_free_after_exit who_left_is_not_listed",
        "a_bad_frame_is_a_departure nobody_of_that_name a_message_to_oneself_whatever_one_blocks",
    ),
    pattern(
        "who left was told of it like the others",
        "is the client still in the list when the others are told that it left?",
        "bye_is_the_last_frame a_bad_frame_is_a_departure",
        where="LEFT",
    ),
    pattern(
        "characters that nobody sees were refused",
        "is isprintable() asked, where control characters (Cc) are all that is refused?",
        "text_passes_untouched spaces_are_kept a_byte_order_mark_is_kept",
        """
        an_unknown_verb nothing_visible_goes_before_name_required a_text_that_nobody_can_see
        a_text_of_invisible_letters no_other_characters_in_a_name
        """,
        where="in vain|BAD_TEXT",
    ),
    pattern(
        "an addressee was judged like a new name",
        "is BAD_NAME answered after other requests than NAME? Nobody is called that: NO_SUCH_NAME",
        "block_needs_somebody_of_that_name nobody_of_that_name",
        "wrong_requests_of_any_length unblock_needs_the_name_on_the_list",
        where="BAD_NAME",
    ),
    pattern(
        "spaces at the ends of what was sent were lost",
        "does strip() or split() run over the whole request?",
        "a_name_with_a_space_is_bad an_empty_argument_is_one",
        """
        block_needs_somebody_of_that_name an_empty_payload_is_no_command spaces_are_kept
        only_one_line_end_is_dropped no_other_characters_in_a_name a_password_that_is_missing
        """,
    ),
    pattern(
        "lengths were taken that are not four digits",
        "is int() asked whether they are a number? It knows signs, spaces and other digits",
        "a_length_that_only_int_understands digits_of_other_scripts",
        "a_length_that_is_no_number",
    ),
    pattern(
        "names with marks were refused",
        "isalnum() refuses marks, or only a to z are allowed?",
        "letters_marks_and_numbers_of_every_script names_are_normalised_again_once_folded",
    ),
    pattern(
        "the list of blocked people was found again by its owner's name",
        "are lists kept by the names of those who block, and not by their connections?",
        "a_block_ends_with_the_blocker a_block_is_one_persons",
        """
        a_refused_change_of_name_moves_no_block who_takes_a_blocked_name_is_followed
        a_blocked_broadcast_skips_the_blocker
        """,
    ),
    pattern(
        "the broadcasts of blocked people arrived",
        "do broadcasts look into the list of each listener?",
        "a_blocked_broadcast_skips_the_blocker a_block_follows_a_change_of_name",
        "a_block_stays_when_the_blocked_leave",
    ),
    pattern(
        "a block did not follow the blocked person through changes of name",
        "does the list hold the name under which somebody was blocked, and nothing else?",
        "a_block_follows_a_change_of_name a_block_leaves_the_old_name_behind",
        """
        a_block_follows_in_every_list a_block_stays_when_the_blocked_leave
        who_takes_a_blocked_name_is_followed a_blocked_person_takes_a_blocked_name
        """,
    ),
    pattern(
        "a block was over when the blocked person had left",
        "does the list hold a connection, and not a name?",
        "a_block_stays_when_the_blocked_leave who_left_can_be_unblocked",
        """
        a_block_stays_when_a_connection_ends who_takes_a_blocked_name_is_followed
        a_block_holds_a_name_in_any_form a_blocked_person_takes_a_blocked_name
        """,
    ),
    pattern(
        "the old name stayed in use after a change of name",
        "is the old name taken out of every table at a change?",
        "a_change_of_name a_block_outlives_the_blockers_change_of_name",
        "a_block_leaves_the_old_name_behind who_takes_a_blocked_name_is_followed",
    ),
    pattern(
        "connections that ended without EXIT were told to nobody",
        'is LEFT told only at EXIT, and not when recv() returns b""?',
        "left_is_told_when_a_connection_ends left_is_told_when_a_connection_breaks",
        """
        a_slow_reader_may_stop_sending a_half_closed_connection_leaves leaving_within_a_frame
        many_leave_at_once who_had_no_name_leaves_silently a_reset_at_any_moment
        """,
    ),
    pattern(
        "of several who left, some were forgotten",
        "is a list changed while a loop runs over it? The loop then skips the next",
        "many_leave_at_once what_came_before_exit_is_done",
        """
        cause_before_effect a_name_keeps_its_capitals nothing_is_read_after_exit
        a_half_closed_connection_leaves
        """,
    ),
    pattern(
        "where the client stopped sending, what it had asked was not answered",
        'is everything thrown away when recv() returns b""?',
        "half_closed_connections_are_answered a_slow_reader_may_stop_sending",
        "who_says_something_and_closes a_sender_too_fast_may_leave a_half_closed_connection_leaves",
    ),
]

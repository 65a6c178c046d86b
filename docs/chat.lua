-- The classroom chat in Wireshark: shows frames where Wireshark by itself shows bytes.
--
-- To install it, copy this file into the folder that Wireshark names under
-- Help > About Wireshark > Folders > Personal Lua Plugins, and start Wireshark again.
-- Capture on the loopback interface when server and client run on one machine. Then filter: all
-- of it by chat, some of it by a field: chat.verb == "MSG", chat.sender == "alice", chat.error_code.
--
-- TCP port 8820 is decoded at once. For another one, change the list under
-- Edit > Preferences > Protocols > CHAT; or, for this capture alone, use Analyze > Decode As…
-- on the server's port.
--
-- In a terminal, without installing anything (lo is Linux's loopback, lo0 that of macOS):
--
--     tshark -X lua_script:docs/chat.lua -i lo -f "tcp port 8820" -Y chat
--     tshark -X lua_script:docs/chat.lua -r capture.pcapng -Y chat -V
--     tshark -X lua_script:docs/chat.lua -r capture.pcapng -d tcp.port==8821,chat -Y chat
--
-- The protocol is told in chat_protocol.py. In one line: a frame is four ASCII digits, the
-- payload's length in bytes, and then the payload: a verb, a space, and arguments in UTF-8.

local chat = Proto("chat", "Classroom Chat")
local LENGTH_FIELD_SIZE = 4 -- bytes
local SEPARATOR = "  ·  " -- in the Info column, between the frames of one segment

local field = {
    request = ProtoField.bool("chat.request", "Request", base.NONE, { "yes", "no, an answer" }),
    length = ProtoField.uint16("chat.length", "Length of the payload in bytes"),
    payload = ProtoField.string("chat.payload", "Payload"),
    verb = ProtoField.string("chat.verb", "Verb"),
    name = ProtoField.string("chat.name", "Name"),
    old_name = ProtoField.string("chat.old_name", "Old name"),
    new_name = ProtoField.string("chat.new_name", "New name"),
    sender = ProtoField.string("chat.sender", "Sender"),
    addressee = ProtoField.string("chat.addressee", "Addressee"),
    text = ProtoField.string("chat.text", "Text"),
    total = ProtoField.string("chat.total", "Number of people"),
    error_code = ProtoField.string("chat.error_code", "Error code"),
    password = ProtoField.string("chat.password", "Password"),
    rest = ProtoField.bytes("chat.rest", "Bytes that cannot be read as frames"),
}
chat.fields = field

local bad_frame = ProtoExpert.new("chat.bad_frame", "The length field is not four digits",
    expert.group.MALFORMED, expert.severity.ERROR)
local bad_text = ProtoExpert.new("chat.bad_text", "The payload is not UTF-8",
    expert.group.MALFORMED, expert.severity.WARN)
chat.experts = { bad_frame, bad_text }

-- The arguments behind each verb: one word for a field, and the last field takes all that follows.
local REQUESTS = {
    NAME = { field.name },
    GET_NAMES = {},
    MSG = { field.addressee, field.text },
    BLOCK = { field.name },
    UNBLOCK = { field.name },
    PASS = { field.password },
    EXIT = {},
}
local ANSWERS = {
    HELLO = { field.name },
    NAMES = { field.total }, -- and then names, as many as there are
    MSG = { field.sender, field.addressee, field.text },
    JOINED = { field.name },
    LEFT = { field.name },
    RENAMED = { field.old_name, field.new_name },
    BLOCKED = { field.name },
    UNBLOCKED = { field.name },
    ACCEPTED = {},
    BYE = {},
    INFO = { field.text },
    ERROR = { field.error_code, field.text },
}

-- What a person wants to read in the Info column; where nothing is said here, the payload itself.
local SUMMARY = {
    [REQUESTS.MSG] = "MSG → %s: %s",
    [REQUESTS.PASS] = "PASS (not shown)", -- the screen may be on the classroom's wall
    [ANSWERS.MSG] = "MSG %s → %s: %s",
    [ANSWERS.RENAMED] = "RENAMED %s → %s",
}

-- Whether these bytes are UTF-8: Wireshark puts a sign in the place of what it cannot read.
local function is_utf8(range)
    return range:string(ENC_UTF_8) == range:raw()
end

-- Return bytes as text for a line of ours.
local function text_of(range)
    if is_utf8(range) then
        return range:raw()
    end
    return (range:raw():gsub("[\128-\255]", "\239\191\189")) -- U+FFFD, the replacement character
end

-- Add the arguments that start at `offset` of the payload to the tree; return them in a list.
local function add_arguments(tree, payload, offset, verb, layout)
    local bytes = payload:raw()
    local arguments = {}
    while offset < #bytes do
        local position = #arguments + 1
        local argument_field = layout[position] or (verb == "NAMES" and field.name) or field.text
        local space = bytes:find(" ", offset + 1, true)
        if (position >= #layout and verb ~= "NAMES") or not space then
            space = #bytes + 1
        end
        local range = payload:range(offset, space - 1 - offset)
        tree:add_packet_field(argument_field, range, ENC_UTF_8)
        arguments[position] = text_of(range)
        offset = space
    end
    return arguments
end

-- Return the line of one request or answer for the Info column, adding its fields to the tree.
local function add_payload(tree, payload, is_request)
    -- Many first clients send the Enter key along; the server drops one line end, and so do we.
    local line_end = is_request and (payload:raw():match("\r?\n$") or payload:raw():match("\r$"))
    local size = payload:len() - #(line_end or "")
    if size == 0 then
        return "(nothing)"
    end
    payload = payload:range(0, size)
    local word = payload:range(0, #payload:raw():match("^[^ ]*"))
    local verb = text_of(word)
    if is_request and verb:find("^[%a_]+$") then
        verb = verb:upper() -- the server takes "msg" as well
    end
    tree:add(field.verb, word, verb)
    local layout = (is_request and REQUESTS or ANSWERS)[verb]
    local arguments = layout and add_arguments(tree, payload, word:len() + 1, verb, layout) or {}
    if layout and SUMMARY[layout] and #arguments == #layout then
        return SUMMARY[layout]:format(table.unpack(arguments))
    end
    return text_of(payload)
end

-- Add one frame to the tree; return its line for the Info column.
local function add_frame(tree, frame, is_request)
    local size = frame:len() - LENGTH_FIELD_SIZE
    local subtree = tree:add(chat, frame)
    subtree:add(field.request, is_request):set_generated()
    subtree:add(field.length, frame:range(0, LENGTH_FIELD_SIZE), size)
    local line = "(nothing)"
    if size > 0 then
        local payload = frame:range(LENGTH_FIELD_SIZE)
        local payload_item = subtree:add_packet_field(field.payload, payload, ENC_UTF_8)
        if not is_utf8(payload) then
            payload_item:add_proto_expert_info(bad_text)
        end
        line = add_payload(subtree, payload, is_request)
    end
    -- A terminal that shows this line should not obey it: no control characters.
    line = line:gsub("[%z\1-\31\127]", "·"):gsub("\194[\128-\159]", "·")
    subtree:append_text((is_request and ", request: " or ", answer: ") .. line)
    return line
end

-- Add bytes that are no frame to the tree; return their line for the Info column.
local function add_rest(tree, rest, is_request)
    local subtree = tree:add(chat, rest)
    subtree:add(field.request, is_request):set_generated()
    subtree:add(field.rest, rest):add_proto_expert_info(bad_frame)
    local start = rest:raw(0, math.min(rest:len(), 16)):gsub("[^\32-\126]", "·")
    subtree:append_text(", not a frame: " .. start .. "…")
    return "not a frame: " .. start .. "…"
end

-- Whether these bytes begin a record of TLS (RFC 8446, 5.1): a server with TLS uses the same port.
local function is_tls(buffer)
    local content_type = buffer(0, 1):uint()
    return content_type >= 20 and content_type <= 23
end

-- Wireshark calls this with what one segment holds. Where that ends within a frame, we tell where
-- the frame starts and how much of it is missing, and are called again with all of it.
function chat.dissector(buffer, pinfo, tree)
    if is_tls(buffer) then
        pinfo.can_desegment = pinfo.can_desegment + 1 -- each call takes one away
        Dissector.get("tls"):call(buffer, pinfo, tree)
        return buffer:len()
    end
    local lines = {}
    local is_request = pinfo.dst_port == pinfo.match_uint -- the server's port led us here
    local offset = 0
    while offset < buffer:len() do
        local available = buffer:len() - offset
        local length_field = buffer(offset, math.min(available, LENGTH_FIELD_SIZE)):raw()
        if length_field:find("[^0-9]") then
            lines[#lines + 1] = add_rest(tree, buffer(offset), is_request)
            break -- without a length nobody knows where the next frame starts
        end
        local size = LENGTH_FIELD_SIZE + tonumber(length_field)
        if available < LENGTH_FIELD_SIZE then
            pinfo.desegment_offset = offset
            pinfo.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
            break
        elseif available < size then
            pinfo.desegment_offset = offset
            pinfo.desegment_len = size - available
            break
        end
        lines[#lines + 1] = add_frame(tree, buffer(offset, size), is_request)
        offset = offset + size
    end

    if #lines > 0 then
        -- A segment with the end of one frame and the whole of the next brings us here twice.
        if pinfo.private.chat then
            pinfo.cols.info:append(SEPARATOR)
        else
            pinfo.cols.info:set("")
        end
        pinfo.private.chat = "was here"
        pinfo.cols.protocol:set("Chat")
        pinfo.cols.info:append(table.concat(lines, SEPARATOR))
    end
    return buffer:len()
end

-- The ports, in Wireshark's preferences. Registering also makes "CHAT" a choice of Decode As.
local tcp_ports = DissectorTable.get("tcp.port")
local registered = "8820"
chat.prefs.ports = Pref.range("TCP ports", registered, "The ports on which chat servers listen",
    65535)
tcp_ports:add(registered, chat)

function chat.prefs_changed()
    tcp_ports:remove(registered, chat)
    registered = chat.prefs.ports
    tcp_ports:add(registered, chat)
end

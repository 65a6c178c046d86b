"""chat_protocol.py by itself: bytes in, messages out, and no socket anywhere."""

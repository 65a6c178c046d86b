"""One person's conversation with a server, whatever shows it. The loop is in chat_client.py.

commands        what a typed line means
session         getting in under a name, staying, coming back, leaving
absence         how long to wait for what until we are back, and what was typed meanwhile
roster          who is here, whom we block, who spoke last
link, tls       the connection to the server; the certificate is checked here
lines           what a person is shown
wire_view       every frame as it travels
options         what the command line says
window/         the same conversation in a window
"""

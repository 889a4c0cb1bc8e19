"""Sends the lines given as one HTTP request to a port of this machine, and prints the answer."""

import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60) as connection:
    connection.sendall("".join(line + "\r\n" for line in [*sys.argv[2:], ""]).encode("latin-1"))
    answer = b""
    while piece := connection.recv(65536):
        answer += piece
print(answer.decode("latin-1"))

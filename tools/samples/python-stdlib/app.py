"""Counts the words of a text: POST it to /count, or open / in a browser. Standard library only."""

import json
import os
import re
import signal
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BYTES = 1024 * 1024
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Word count</title>
<style>
  body { font: 18px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 8vh auto; padding: 0 1rem }
  textarea { width: 100%; height: 10rem; font: inherit; box-sizing: border-box }
  pre { background: #f3f3f6; padding: 1rem; overflow: auto }
</style>
<h1>Word count</h1>
<textarea id="text" aria-label="Text">The quick brown fox and the lazy dog and the fox again</textarea>
<p><button id="count">Count</button></p>
<pre id="answer"></pre>
<script>
  document.getElementById("count").onclick = async () => {
    const body = document.getElementById("text").value;
    const answer = await fetch("count", { method: "POST", body });
    document.getElementById("answer").textContent = JSON.stringify(await answer.json(), null, 2);
  };
</script>
</html>
"""


def count(text: str) -> dict:
    """The number of lines, words and characters, and the ten most frequent words."""
    words = [word.lower() for word in WORD.findall(text)]
    return {
        "lines": len(text.splitlines()),
        "words": len(words),
        "distinct": len(set(words)),
        "characters": len(text),
        "top": [{"word": word, "times": times} for word, times in Counter(words).most_common(10)],
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        if self.path == "/":
            self.answer(200, PAGE.encode(), "text/html; charset=utf-8")
        elif self.path == "/status":
            names = ("ZP_APP", "ZP_RELEASE", "ZP_INSTANCE")
            self.json(200, {name[3:].lower(): os.environ.get(name, "local") for name in names})
        else:
            self.json(404, {"error": f"nothing at {self.path}"})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BYTES:
            self.close_connection = True
            self.json(413, {"error": f"send a Content-Length of at most {MAX_BYTES} bytes"})
            return
        body = self.rfile.read(int(length))
        if self.path != "/count":
            self.json(404, {"error": f"nothing at {self.path}"})
            return
        try:
            self.json(200, count(body.decode()))
        except UnicodeDecodeError:
            self.json(400, {"error": "the text must be UTF-8"})

    def json(self, status: int, value: dict) -> None:
        body = json.dumps(value, ensure_ascii=False) + "\n"
        self.answer(status, body.encode(), "application/json")

    def answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        print(format % args, flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000")))
    server = Server(address, Handler)
    stop = lambda *_: threading.Thread(target=server.shutdown).start()
    signal.signal(signal.SIGTERM, stop)
    print(f"word count listens on http://{address[0]}:{address[1]}", flush=True)
    server.serve_forever()
    print("word count has finished", flush=True)


if __name__ == "__main__":
    main()

"""What the lines that verify are carried out in: a handler, a message from stdin, its status.

A program stands for each language, with `IMPORTS` and `LINES` where a reader puts them. It reads
the id, the time and the signature, a line each, and the body behind them.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The program of one language, and the commands that make and run it."""

    needs: str
    file: str
    program: str
    run: Sequence[str]
    indent: str = ""
    before: Sequence[Sequence[str]] = ()  # the library is brought
    after: Sequence[Sequence[str]] = ()
    more: dict[str, str] = field(default_factory=dict)

    def environ(self, place: Path) -> dict[str, str]:
        """The variables of its commands."""
        here = {name: value.replace("HERE", str(place)) for name, value in self.more.items()}
        return dict(os.environ) | here


FRAMES = {
    "Python": Frame(
        needs=sys.executable,
        file="frame.py",
        indent="    ",
        program="""\
import sys
from types import SimpleNamespace
IMPORTS


def receive(request):
LINES
    assert event["eventName"]
    return "", 204


id, at, signature, body = sys.stdin.buffer.read().split(b"\\n", 3)
headers = {"Webhook-Id": id, "Webhook-Timestamp": at, "Webhook-Signature": signature}
headers = {name: value.decode() for name, value in headers.items()}
print(receive(SimpleNamespace(get_data=lambda: body, headers=headers))[1])
""",
        run=(sys.executable, "frame.py"),
    ),
    "JavaScript": Frame(
        needs="node",
        file="frame.mjs",
        program="""\
import { readFileSync } from "node:fs";
IMPORTS

function receive(request, parts, response) {
LINES
  if (!event.eventName) throw new Error("no event");
  response.writeHead(204).end();
}

const [id, at, signature, ...rest] = readFileSync(0, "utf8").split("\\n");
const headers = { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature };
const response = { writeHead(status) { console.log(status); return this; }, end() {} };
receive({ headers }, [Buffer.from(rest.join("\\n"))], response);
""",
        run=("node", "frame.mjs"),
    ),
    "Java": Frame(
        needs="mvn",
        file="Frame.java",
        program="""\
IMPORTS
import com.sun.net.httpserver.Headers;
import java.io.ByteArrayInputStream;
import java.io.InputStream;

class Frame {
    record Exchange(String body, Headers headers) {
        InputStream getRequestBody() { return new ByteArrayInputStream(body.getBytes(UTF_8)); }
        Headers getRequestHeaders() { return headers; }
    }

    static int receive(Exchange exchange) throws Exception {
LINES
        return 204;
    }

    public static void main(String[] arguments) throws Exception {
        var parts = new String(System.in.readAllBytes(), UTF_8).split("\\n", 4);
        var headers = new Headers();
        headers.set("webhook-id", parts[0]);
        headers.set("webhook-timestamp", parts[1]);
        headers.set("webhook-signature", parts[2]);
        System.out.println(receive(new Exchange(parts[3], headers)));
    }
}
""",
        run=("java", "-cp", "standardwebhooks-1.2.0.jar", "Frame.java"),
    ),
    "Go": Frame(
        needs="go",
        file="main.go",
        program="""\
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

IMPORTS
)

func receive(w http.ResponseWriter, r *http.Request) {
LINES
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	read, _ := io.ReadAll(os.Stdin)
	parts := strings.SplitN(string(read), "\\n", 4)
	r := httptest.NewRequest("POST", "/tidings", strings.NewReader(parts[3]))
	r.Header.Set("webhook-id", parts[0])
	r.Header.Set("webhook-timestamp", parts[1])
	r.Header.Set("webhook-signature", parts[2])
	w := httptest.NewRecorder()
	receive(w, r)
	fmt.Println(w.Code)
}
""",
        before=(("go", "mod", "init", "receiver"),),
        after=(("go", "build", "-o", "frame", "."),),
        run=("./frame",),
        more={
            "GOFLAGS": "-modcacherw -buildvcs=false",
            "GOPATH": "HERE/go",
            "GOCACHE": "HERE/cache",
        },
    ),
}

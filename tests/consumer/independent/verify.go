// Signs and verifies by Go's crypto/ed25519. A line is a private key, a public key, a signature and a
// text, in base64 with a space between; the answer is Go's own signature, and whether it agrees.
package main

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

func decode(text string) []byte {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return decoded
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		parts := strings.Split(lines.Text(), " ")
		private, public := decode(parts[0]), decode(parts[1])
		signature, text := decode(parts[2]), decode(parts[3])
		own := ed25519.Sign(ed25519.NewKeyFromSeed(private), text)
		agrees := ed25519.Verify(ed25519.PublicKey(public), text, signature)
		fmt.Println(base64.StdEncoding.EncodeToString(own), agrees)
	}
}

// Command oidc is an OpenID Connect provider for tests on loopback: GET /oidc/mint?email=… answers with an identity
// token for that address, and ?sub=…&claim.NAME=VALUE… with one like those of CI systems.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/oauth2-proxy/mockoidc"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: oidc HOST:PORT")
	}
	m, err := mockoidc.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	m.ClientID = "sigstore"
	err = m.AddMiddleware(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			email := r.URL.Query().Get("mint")
			if email == "" {
				next.ServeHTTP(w, r)
				return
			}
			user := &mockoidc.MockUser{Subject: email, Email: email, EmailVerified: true}
			s, err := m.SessionStore.NewSession("openid email", "n", user, "", "")
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			token, err := s.IDToken(m.Config(), m.Keypair, m.Now())
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprint(w, token)
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := m.Start(ln, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Issuer())
	select {}
}

package authority

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// GitHub documents the request: the variables' address with the audience added, and the variables' token as bearer.
func TestGitHubToken(t *testing.T) {
	answer := `{"value":"eyJ.a.b"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Query().Get("audience") != "sigstore" || r.URL.Query().Get("api-version") != "2.0" || r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message":"who is `+r.Header.Get("Authorization")+`?"}`)
			return
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	got, err := GitHubToken(t.Context(), server.URL+"/token?api-version=2.0", "secret")
	if err != nil || got != "eyJ.a.b" {
		t.Errorf("%q, %v", got, err)
	}
	for name, c := range map[string]struct{ url, bearer, say string }{
		"another bearer":  {server.URL + "/token?api-version=2.0", "other-secret", "401"},
		"in the clear":    {"http://runner.example/token", "other-secret", "https"},
		"no address":      {"token", "other-secret", "https"},
		"credentials":     {"https://a:other-secret@runner.example/token", "other-secret", "https"},
		"a private place": {"https://169.254.169.254/token", "other-secret", "refused"},
	} {
		if got, err := GitHubToken(t.Context(), c.url, c.bearer); err == nil || got != "" || !strings.Contains(err.Error(), c.say) || strings.Contains(err.Error(), c.bearer) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, answer = range []string{`{}`, `{"value":""}`, `<html>`} {
		if got, err := GitHubToken(t.Context(), server.URL+"/token?api-version=2.0", "secret"); err == nil || got != "" {
			t.Errorf("%s: %q", answer, got)
		}
	}
}

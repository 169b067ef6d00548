package report

import "testing"

// FuzzRender puts one text into every place of a document and every format: nothing a terminal or a CI system acts on
// may come out.
func FuzzRender(f *testing.F) {
	for _, s := range hostile() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := sample(s)
		for _, format := range []string{"text", "markdown", "junit", "dotenv"} {
			harmless(t, format, render(t, format, d))
		}
		harmless(t, "line", Safe(s))
	})
}

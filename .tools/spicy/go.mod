module cdgate.dev/cdgate/tools/spicy

go 1.26.0

tool filippo.io/torchwood/cmd/spicy

require (
	filippo.io/torchwood v0.9.0 // indirect
	golang.org/x/crypto v0.46.0 // indirect
	golang.org/x/mod v0.31.0 // indirect
	golang.org/x/sync v0.19.0 // indirect
)

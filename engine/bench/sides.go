package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"

	"cdgate.dev/cdgate/engine/ledger"
	"cdgate.dev/cdgate/engine/policy"
)

// sandboxUntyped is the argument with which this program starts itself as an evaluator that knows no types, as the
// peers know none.
const sandboxUntyped = "policy-sandbox-untyped"

// side runs one side of a comparison.
func side(args []string) error {
	if len(args) < 2 {
		return errors.New("say which side, and on what")
	}
	switch args[0] {
	case "evaluate":
		return evaluate(args[1], args[2])
	case "make-pipeline":
		mb, err := strconv.ParseFloat(args[2], 64)
		if err != nil {
			return err
		}
		return writePipeline(args[1], mb)
	case "read":
		return readReport(args[1])
	case "tokens":
		return tokens(args[1])
	case "std-sarif", "std-junit":
		return standard(args[0], args[1])
	case "gate":
		return gate(args[1], args[2])
	case "append":
		return appendOwn(args[1])
	case "append-bare":
		return appendBare(args[1])
	}
	return fmt.Errorf("there is no side %q", args[0])
}

// start starts the evaluator on a directory of rules.
func start(rules string) (*policy.Child, error) {
	source, err := policy.Load(os.DirFS(rules), "rules")
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return policy.Start(context.Background(), policy.Sandbox{Path: exe, Args: []string{sandboxUntyped}}, policy.Program{Sources: []policy.Source{source}})
}

func evaluate(rules, doc string) error {
	child, err := start(rules)
	if err != nil {
		return err
	}
	defer child.Close()
	input, err := os.ReadFile(doc)
	if err != nil {
		return err
	}
	resp, err := child.Evaluate(input)
	if err != nil {
		return err
	}
	for _, r := range resp.Rules {
		fmt.Println(r.Code, len(r.Findings))
	}
	return nil
}

// logKeys are fixed keys of throw-away logs, in the files beside the log.
func logKeys(dir string) (private, public string, err error) {
	b, err := os.ReadFile(dir + ".key")
	if err == nil {
		private = string(b)
		public, err = ledger.VerifierKey(private)
		return private, public, err
	}
	if private, public, err = ledger.GenerateKey("bench"); err != nil {
		return "", "", err
	}
	return private, public, os.WriteFile(dir+".key", []byte(private), 0o600)
}

func appendOwn(dir string) error {
	private, _, err := logKeys(dir)
	if err != nil {
		return err
	}
	_, err = ledger.Append(context.Background(), dir, private, ledger.Witnesses{}, leaf())
	return err
}

// appendBare is the shortest use of the log library that waits until a checkpoint covers the entry.
func appendBare(dir string) error {
	private, _, err := logKeys(dir)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return err
	}
	ctx := context.Background()
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return err
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).WithBatching(1, 10*time.Millisecond).WithCheckpointInterval(100*time.Millisecond))
	if err != nil {
		return err
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 5*time.Millisecond)
	if _, _, err := awaiter.Await(ctx, appender.Add(ctx, tessera.NewEntry(leaf()))); err != nil {
		return err
	}
	return shutdown(ctx)
}

// proofCheck is how long one offline check of an inclusion proof takes: the mean over many.
func proofCheck(dir string) (time.Duration, error) {
	private, public, err := logKeys(dir)
	if err != nil {
		return 0, err
	}
	l := leaf()
	receipt, err := ledger.Append(context.Background(), dir, private, ledger.Witnesses{}, l)
	if err != nil {
		return 0, err
	}
	const times = 2000
	start := time.Now()
	for range times {
		if _, _, err := ledger.CheckProof(ledger.Verifier{Key: public}, receipt.Proof, l); err != nil {
			return 0, err
		}
	}
	return time.Since(start) / times, nil
}

func leaf() []byte {
	return fmt.Appendf(nil, `{"type":"decision","digest":"sha256:%064d","at":%d}`, 0, time.Now().UnixNano())
}

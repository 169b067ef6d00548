package policy

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestConfinedProcess runs itself confined, as a process of its own, and reports what it could still do.
func TestConfinedProcess(t *testing.T) {
	if os.Getenv("CONFINED") != "" {
		confinedProbe()
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestConfinedProcess$")
	cmd.Env = []string{"CONFINED=1"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"file: refused", "write: refused", "connect: refused", "listen: refused", "process: refused", "timer: works", "zone: 14"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
}

func confinedProbe() {
	if err := confine(Limits{}.orDefaults()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	say := func(what string, err error) {
		if err == nil {
			fmt.Printf("%s: allowed\n", what)
		} else {
			fmt.Printf("%s: refused: %v\n", what, err)
		}
	}
	_, err := os.ReadFile("/etc/passwd")
	say("file", err)
	say("write", os.WriteFile("/tmp/confined", []byte("x"), 0o600))
	_, err = net.DialTimeout("tcp", "127.0.0.1:1", time.Second)
	if err != nil && strings.Contains(err.Error(), "connection refused") {
		err = nil // a socket was made
	}
	say("connect", err)
	_, err = net.Listen("tcp", "127.0.0.1:0")
	say("listen", err)
	say("process", exec.Command("/bin/true").Run())
	time.Sleep(time.Millisecond)
	fmt.Println("timer: works")
	zone, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		fmt.Println("zone:", err)
		return
	}
	fmt.Println("zone:", time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC).In(zone).Hour())
}

// The evaluator sees nothing of the parent's environment, and none of its descriptors.
func TestEmptyEnvironment(t *testing.T) {
	t.Setenv("CDGATE_KEY_PASSWORD", "secret")
	_, err := Evaluate(t.Context(), Sandbox{Path: "/bin/sh", Args: []string{"-c", "echo env=$(/usr/bin/env | /usr/bin/sort | /usr/bin/tr '\\n' ,) >&2; pwd >&2; exit 3"}},
		Request{Program: one(t, goodRule), Input: []byte(noInput)})
	refused(t, err, "exit status 3")
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the environment is handed on: %v", err)
	}
}

// An evaluator ends when its parent is gone: when the pipe to it closes.
func TestEvaluatorEndsWithItsParent(t *testing.T) {
	sb := sandbox(t)
	c, err := Start(t.Context(), sb, one(t, attackRule("\tcount([1 | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i + j > 0]) > 0\n")))
	if err != nil {
		t.Fatal(err)
	}
	<-c.sent
	if err := writeFrame(c.stdin, []byte(noInput)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	_ = c.stdin.Close()
	done := make(chan error, 1)
	go func() { done <- c.wait() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("the evaluator went on without its parent")
		c.Close()
	}
}

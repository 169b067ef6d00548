package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/schemas"
)

func (w *world) schemaCommand() *cli.Command {
	return w.command("schema", "[DOCUMENT]", "print the JSON Schema of a document",
		"Prints the JSON Schema of one document; without DOCUMENT it lists them.", 1, nil, (*call).schema)
}

func (k *call) schema() error {
	name := k.Args().First()
	var names []string
	for _, d := range schemas.Documents() {
		names = append(names, string(d))
		if string(d) != name {
			continue
		}
		b, err := schemas.JSONSchema(d)
		if err != nil {
			return fmt.Errorf("make schema of %s: %w", d, err)
		}
		return k.write(output{}, append([]byte(strings.TrimRight(string(b), "\n")), '\n'))
	}
	if name != "" {
		hint := ""
		if p := probable(name, names); p != "" {
			hint = "; did you mean " + p + "?"
		}
		return fault.New(fault.Usage, "no document %q%s; there are: %s", name, hint, strings.Join(names, ", "))
	}
	k.print("%s", strings.Join(names, "\n"))
	return nil
}

func (w *world) versionCommand() *cli.Command {
	return w.command("version", "", "print the versions of cdgate, OPA and Go", "", 0, one(outputFlag("text", "json")), (*call).version)
}

// versions is the JSON of version.
type versions struct {
	Cdgate   string `json:"cdgate"`
	OPA      string `json:"opa"`
	Go       string `json:"go"`
	Revision string `json:"revision"`
	Platform string `json:"platform"`
}

func (k *call) version() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	v := versions{Cdgate: engine.Version, OPA: policy.OPAVersion(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	return k.deliverJSON(outs, v, func() string {
		return fmt.Sprintf("cdgate %s (opa %s, %s, %s)\n", v.Cdgate, v.OPA, v.Go, v.Platform)
	})
}

func (w *world) completionCommand() *cli.Command {
	return w.command("completion", "bash | zsh | fish", "print a shell's completion script",
		"bash: source <(cdgate completion bash)\n\nzsh: source <(cdgate completion zsh)\n\nfish: cdgate completion fish | source",
		1, nil, (*call).completion)
}

func (k *call) completion() error {
	app := k.newApp()
	var script string
	switch shell := k.Args().First(); shell {
	case "bash":
		script = bashCompletion(app)
	case "zsh":
		script = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n" + bashCompletion(app)
	case "fish":
		script = fishCompletion(app)
	case "":
		return fault.New(fault.Usage, "name a shell: cdgate completion bash, zsh or fish")
	default:
		return fault.New(fault.Usage, "no completion for shell %q; there is one for bash, zsh and fish", shell)
	}
	return k.write(output{}, []byte(script))
}

// walk visits every command that does something or groups others, with its path below "cdgate".
func walk(commands []*cli.Command, path []string, visit func(path []string, c *cli.Command)) {
	for _, c := range commands {
		p := append(path[:len(path):len(path)], c.Name)
		visit(p, c)
		walk(c.Subcommands, p, visit)
	}
}

func names(commands []*cli.Command) string {
	var out []string
	for _, c := range commands {
		out = append(out, c.Name)
	}
	return strings.Join(out, " ")
}

func flagWords(c *cli.Command) string {
	var out []string
	for _, f := range c.Flags {
		out = append(out, "--"+f.Names()[0])
	}
	return strings.Join(append(out, "--help"), " ")
}

// bashCompletion is a script that knows the words of the tree; it runs nothing.
func bashCompletion(app *cli.App) string {
	var known, words strings.Builder
	walk(app.Commands, nil, func(path []string, c *cli.Command) {
		p := strings.Join(path, " ")
		parent := strings.Join(path[:len(path)-1], " ")
		fmt.Fprintf(&known, "      %q) path=%q ;;\n", strings.TrimSpace(parent+"/"+c.Name), p)
		if len(c.Subcommands) > 0 {
			fmt.Fprintf(&words, "    %q) words=%q ;;\n", p, names(c.Subcommands))
		} else {
			fmt.Fprintf(&words, "    %q) words=%q; files=1 ;;\n", p, flagWords(c))
		}
	})
	return `# completion of cdgate for bash
_cdgate() {
  local cur="${COMP_WORDS[COMP_CWORD]}" path="" words="" files="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path/${COMP_WORDS[i]}" in
` + known.String() + `    esac
  done
  case "$path" in
    "") words="` + names(app.Commands) + `" ;;
` + words.String() + `  esac
  if [[ -n "$files" && "$cur" != -* ]]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -o filenames -F _cdgate cdgate
`
}

// fishCompletion is one line per word.
func fishCompletion(app *cli.App) string {
	var b strings.Builder
	b.WriteString("# completion of cdgate for fish\n")
	walk(app.Commands, nil, func(path []string, c *cli.Command) {
		condition := "__fish_use_subcommand"
		if len(path) > 1 {
			condition = fmt.Sprintf("__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from %s", path[0], names(find(app.Commands, path[0]).Subcommands))
		}
		fmt.Fprintf(&b, "complete -c cdgate -n '%s' -f -a %s -d '%s'\n", condition, c.Name, fishQuote(c.Usage))
		if len(c.Subcommands) > 0 {
			return
		}
		seen := "__fish_seen_subcommand_from " + path[0]
		if len(path) > 1 {
			seen += "; and __fish_seen_subcommand_from " + path[1]
		}
		for _, f := range c.Flags {
			value := " -r"
			if isBool(f) {
				value = ""
			}
			fmt.Fprintf(&b, "complete -c cdgate -n '%s' -l %s%s -d '%s'\n", seen, f.Names()[0], value, fishQuote(flagUsage(f)))
		}
	})
	return b.String()
}

func fishQuote(s string) string {
	return strings.NewReplacer("\\", "\\\\", "'", `\'`, "`", "").Replace(s)
}

// flagUsage is what a flag is for.
func flagUsage(f cli.Flag) string {
	if d, ok := f.(cli.DocGenerationFlag); ok {
		return d.GetUsage()
	}
	return ""
}

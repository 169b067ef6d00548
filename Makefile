# cdgate: what a developer runs. `make` lists the targets.

GO      ?= go
BIN     := bin/cdgate
T       ?= 30s
export GOFLAGS ?= -trimpath

.DEFAULT_GOAL := help
.PHONY: help build demo test plugins test-integration lint generate check bench fuzz new-rule new-format ci tools clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

build: ## the binary, bin/cdgate
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -o $(BIN) ./cmd/cdgate

demo: build ## the main job, end to end, on this project's own reports
	@sh examples/demo/run.sh

# The program's stories and hostile inputs start it hundreds of times; with the race detector they would take ten minutes more.
stories := ^(TestScripts|TestReadme)
hostile := ^(TestMalformed|TestHostile)

test: ## every test, with the race detector but for most stories and hostile inputs, then the rules' own tests
	$(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v '/cmd/cdgate$$')
	$(GO) test -race -timeout 20m ./cmd/cdgate -skip '$(stories)|$(hostile)|^TestIntegration'
	$(GO) test -race -timeout 20m ./cmd/cdgate -run '^TestScripts$$/^(parallel|referrers|store)$$'
	$(GO) test -timeout 20m ./cmd/cdgate -run '$(stories)'
	$(GO) test -timeout 20m ./cmd/cdgate -run '$(hostile)'
	@$(MAKE) -s build
	$(BIN) policy test builtin:minimal

plugins: ## the programs that sign with keys in Vault, AWS, Azure, Google Cloud and security modules, in bin/
	@mkdir -p bin
	@for p in awskms azurekms gcpkms hashivault; do (cd cmd/sigstore-kms-$$p && CGO_ENABLED=0 $(GO) build -ldflags='-s -w' -o ../../bin/ .) || exit 1; done
	@cd cmd/sigstore-kms-hsm && CGO_ENABLED=1 $(GO) build -ldflags='-s -w' -o ../../bin/ .

test-integration: build plugins ## the tests that need real components on loopback, and programs of others that judge what cdgate writes
	@sh .tools/integration

lint: build ## gofmt, vet, staticcheck; opa fmt and check
	@test -z "$$(gofmt -l cmd engine evidence policies schemas)" || { gofmt -l cmd engine evidence policies schemas; echo "run gofmt -w on these"; exit 1; }
	$(GO) vet ./...
	$$(.tools/tool staticcheck) ./...
	$$(.tools/tool opa) fmt --fail --list policies examples
	$(BIN) policy check builtin:minimal
	@if command -v regal >/dev/null; then regal lint policies/rules; else echo "regal is not on PATH: its rules were not checked"; fi

generate: ## schema JSON, rule table, format table, command line reference, goldens
	$(GO) test ./schemas -run '^TestPublishedSchemas$$' -update
	$(GO) test ./engine/policy -run '^TestInputTypesFresh$$' -update
	$(GO) test ./policies -run '^TestTableFresh$$' -update
	$(GO) test ./evidence/formats -run '^TestReadme$$' -update
	$(GO) test ./engine/report -run '^TestGolden$$' -update
	$(GO) test ./cmd/cdgate -run '^TestReferenceIsFresh$$' -update

check: generate ## the same, and then nothing may have changed
	@test -z "$$(git status --porcelain)" || { git status --short; git diff | head -n 60; echo "generated files are stale: commit what make generate wrote"; exit 1; }

bench: build ## cdgate beside opa, cosign and the limits, as paired ratios
	@sh engine/bench/run.sh

fuzz: ## every fuzz target for T (make fuzz T=30s), and proof that each ran
	@sh .tools/fuzz $(T)

new-rule: build ## a rule with a failing test: make new-rule RULE=category.rule
	$(BIN) policy new --dir policies $(RULE)

new-format: ## a report format with a failing test: make new-format FORMAT=scan/name
	@sh .tools/new-format $(FORMAT)

ci: test test-integration lint check ## what CI runs

tools: ## build the pinned tools that tests and lint use
	@for t in staticcheck opa gosec syft cosign prometheus; do .tools/tool $$t; done

clean: ## remove what was built here
	rm -rf bin .demo

# The front door. `make` lists what there is.

CARGO ?= cargo
STATIC_TARGET ?= x86_64-unknown-linux-musl

.DEFAULT_GOAL := help
.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

#!/bin/sh
# Lists the tests that start castoff in each place (tests/harness/launch.rs), by themselves or by a
# function of theirs. Those are what `TEST_PLACE=docker` makes another test of.
set -eu
cd "$(dirname "$0")/.."

files=$(find tests/process tests/services tests/modes -name '*.rs' | sort)
# The files are read twice: first for the functions, then for the tests.
# shellcheck disable=SC2086 # a list of words
awk '
    BEGIN { calls = "(each_place|interactive" }
    FNR == 1 {
        if (FILENAME == ARGV[1] && ++reading == 2) calls = calls ")[(]"
        test = is_test = 0
        module = FILENAME
        sub(/^tests\//, "", module); sub(/(\/mod)?\.rs$/, "", module); gsub("/", "::", module)
    }
    /^#\[test\]/ { test = 1 }
    /^(pub(\([a-z]+\))? )?fn / {
        name = $0; sub(/[(<].*/, "", name); sub(/.* /, "", name)
        is_test = test; test = 0
        next
    }
    reading == 1 && !is_test && /(each_place|interactive)[(]/ && !(name in helper) {
        helper[name]; calls = calls "|" name
    }
    reading == 2 && is_test && $0 ~ calls && !((module, name) in told) { told[module, name]; print module "::" name }
' $files $files

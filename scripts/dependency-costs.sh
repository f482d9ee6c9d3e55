#!/bin/sh
# Measures what each crate adds to the release binary's code, and writes the table of
# docs/dependencies.md. Needs cargo-bloat. The figures are cargo-bloat's attribution: code
# inlined into castoff counts as castoff's.
set -eu
cd "$(dirname "$0")/.."

page=docs/dependencies.md
table=$(mktemp)
trap 'rm -f "$table"' EXIT
CARGO_PROFILE_RELEASE_STRIP=false cargo bloat --release --crates -n 0 --message-format json 2>/dev/null |
    python3 -c '
import json, sys
report = json.load(sys.stdin)
print("| crate | bytes of code |")
print("|---|---|")
for crate in sorted(report["crates"], key=lambda crate: -crate["size"]):
    if crate["size"] >= 1000 and crate["name"] not in ("[Unknown]", "__rustc"):
        print("| {} | {} |".format(crate["name"], crate["size"]))
' >"$table"
python3 - "$page" "$table" <<'END'
import re, sys
page, table = sys.argv[1], open(sys.argv[2]).read()
text = open(page).read()
text = re.sub(r"(<!-- costs -->\n).*?(<!-- /costs -->)", lambda m: m[1] + table + m[2], text, flags=re.S)
open(page, "w").write(text)
END

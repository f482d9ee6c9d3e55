#!/bin/sh
# Makes a first corpus for each target, from what the repository has: the templates, and the
# rows of the formats' unit tests. Nothing of it is kept in the repository.
# Usage: fuzz/seeds.sh DIRECTORY TARGET
set -eu
to=$1 target=$2
cd "$(dirname "$0")/.."
mkdir -p "$to"

# `{{ … }}` is the place of a value (byte FE), other tags are left out.
holes() {
    sed -e 's/{%[^%]*%}//g' -e 's/{{[^}]*}}/\xFE/g' "$1"
}

# The first string of each row of a table, as Rust writes it, and a hole for each `@`.
rows() {
    grep -rhoE '^ *\("([^"\\]|\\.)*"' "$@" | sed -e 's/^ *("//' -e 's/"$//' -e 's/\\"/"/g'
    grep -rhoE '^ *\(r#*"[^"]*"#' "$@" | sed -e 's/^ *(r#*"//' -e 's/"#$//' -e 's/\\/\\\\/g'
}

if [ "$target" = check ]; then
    for spec in templates/*/*.toml examples/quickstart/castoff.toml; do
        for template in "$(dirname "$spec")"/*.j2; do
            [ -f "$template" ] || continue
            { cat "$spec"; printf '\377'; cat "$template"; printf '\377'; cat examples/quickstart/site.env; } \
                >"$to/$(basename "$spec")-$(basename "$template")"
        done
    done
    printf '%s' 'version = 1
[env.A]
type = "list"
default = "a,b"
[env.B]
type = "int"
default = "3"
[[template]]
source = "t"
dest = "/{{ item }}.sh"
for-each = "A"
' >"$to/loops"
    printf '\377%s\377' '{% macro m(v) %}{{ v }}{% endmacro %}{% set q %}[{{ item }}]{% endset %}
{% for i in range(B) %}X={{ m(item) ~ i | string }} {{ q | upper | indent(B) }} {{ A | batch(B, 0) | list }}
{% if loop.first %}{{ "%05d" | format(B) }}{% endif %}{% endfor %}{{ A * B | join("-") }}' >>"$to/loops"
    exit
fi

sources=
case $target in
    large) sources=src/format ;;
    zend_ini) sources="src/format/zend_ini* src/format/php_ini.rs src/format/php_fpm.rs" ;;
    *) for source in "src/format/$target" "src/format/$target.rs"; do [ -e "$source" ] && sources="$sources $source"; done ;;
esac
number=0
# shellcheck disable=SC2086 # a list of names
rows $sources | while IFS= read -r row; do
    number=$((number + 1))
    # the dialects in turn
    case $((number % 2)) in 0) choice='\0' ;; *) choice='\01' ;; esac
    { printf '%b' "$choice"; printf '%b' "$row" | tr '@' '\376'; printf "\\377a'b\"c\\\\d\$e\\377\\n#;\\n"; } \
        >"$to/row-$number"
done
case $target in
    php | nginx | msmtp | ssmtp | zend_ini)
        for template in templates/*/*.j2; do
            { printf '\0'; holes "$template"; printf "\\377a'b\"c\\\\d\$e\\377\\n#;\\n"; } \
                >"$to/$(basename "$template")"
        done
        ;;
esac

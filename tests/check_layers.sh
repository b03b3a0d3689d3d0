#!/usr/bin/env bash
# check_layers.sh [ROOT]: does the source keep to its layers? Prints one line for each breach.
# check_layers.sh --self-test: breaks small trees one way each and sees that it is noticed.
#
#  - A folder of engine/ includes only from itself and from folders below it:
#    base < data < io < db < sql < script < bind < cli. The public header stands alone.
#  - A library's header is included only where the library is wrapped.
#  - Only engine/script/job*.c resumes and yields coroutines; nobody sends SQL by libpq's simple
#    protocol, which takes several statements at once.
#  - Every header starts with a comment that names it; every source includes base/banned.h last.
set -euo pipefail

check() { # ROOT
    local root=$1 files
    cd "$root"
    mapfile -t files < <(find engine include -name '*.[ch]' 2>/dev/null | sort)
    ((${#files[@]})) || { echo "$root: no sources below engine/"; return 1; }
    awk '
    function breach(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; n++ }
    function end_of_file() {
        if (previous ~ /^engine\/.*\.c$/ && last_include != "base/banned.h") {
            printf "%s: the last include must be \"base/banned.h\"\n", previous; n++
        }
        last_include = ""
    }
    # The line without comments and string literals.
    function code(line,    at) {
        gsub(/\\./, "", line)
        gsub(/"[^"]*"/, "\"\"", line)
        if (in_comment) {
            at = index(line, "*/")
            if (!at) return ""
            line = substr(line, at + 2)
            in_comment = 0
        }
        gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, " ", line)
        sub(/\/\/.*/, "", line)
        at = index(line, "/*")
        if (at) { in_comment = 1; line = substr(line, 1, at - 1) }
        return line
    }
    BEGIN {
        split("base data io db sql script bind cli", names, " ")
        for (i in names) level[names[i]] = i
        # Which files may include which library: header, files.
        lib["^(lua|lauxlib|lualib|luaconf)\\.h$"]     = "^engine/(script|bind|cli)/"
        lib["^(libpq-fe|postgres_ext|libpq/.*)\\.h$"] = "^engine/(io/pg|db/stats)[^/]*$"
        lib["^curl/"]                                 = "^engine/io/http[^/]*$"
        lib["^sqlite3"]                               = "^engine/io/store[^/]*$"
        lib["^(pg_query|protobuf)"]                   = "^engine/sql/"
        lib["^uv(\\.h|/)"]                            = "^engine/io/"
        lib["^yajl"]                                  = "^engine/data/json[^/]*$"
        lib["^yaml\\.h$"]                             = "^engine/data/yaml[^/]*$"
        lib["^sodium"]                                = "^engine/data/keyed[^/]*$"
        lib["^xxh"]                                   = "^engine/data/"
    }
    FNR == 1 {
        end_of_file()
        previous = FILENAME
        in_comment = inline_xxh = 0
        file = FILENAME; sub(/.*\//, "", file)
        folder = ""
        if (split(FILENAME, part, "/") >= 3 && part[1] == "engine") folder = part[2]
        if (part[1] == "engine" && !(folder in level)) breach("folder " folder " has no layer")
        if (file ~ /\.h$/ && index($0, "/* " file ": ") != 1)
            breach("a header starts with \"/* " file ": \"")
    }
    /^[ \t]*#[ \t]*define[ \t]+XXH_INLINE_ALL/ { inline_xxh = 1 }
    match($0, /^[ \t]*#[ \t]*include[ \t]*["<][^">]+[">]/) {
        text = substr($0, RSTART, RLENGTH)
        quoted = text ~ /"$/
        sub(/^[^"<]*["<]/, "", text); sub(/[">]$/, "", text)
        last_include = text
        if (quoted) {
            to = text; sub(/\/.*/, "", to)
            if (part[1] == "include")
                breach("the public header stands alone, but includes " text)
            else if (text == "nlsql.h") {
                if (folder != "cli") breach("nlsql.h belongs to engine/cli")
            } else if (!(to in level) || text !~ /^[a-z]+\/[a-z0-9_]+\.h$/)
                breach("include \"folder/name.h\" from engine/, not \"" text "\"")
            else if (folder in level && level[to] > level[folder])
                breach(folder " may not include from " to ": " text)
        } else {
            for (header in lib)
                if (text ~ header && FILENAME !~ lib[header])
                    breach("<" text "> is not for this file")
            if (text ~ /^xxh/ && !inline_xxh)
                breach("define XXH_INLINE_ALL before <" text ">: libpg_query exports an older one")
        }
        next
    }
    {
        text = code($0)
        if (text ~ /(^|[^A-Za-z0-9_])(PQexec|PQsendQuery)[ \t]*\(/)
            breach("libpq'\''s simple protocol is not used")
        if (text ~ /(^|[^A-Za-z0-9_])lua_(resume|yieldk?)[ \t]*\(/ && FILENAME !~ /^engine\/script\/job[^\/]*\.c$/)
            breach("only engine/script/job resumes and yields")
    }
    END { end_of_file(); exit n > 0 }' "${files[@]}"
}

# --- self-test --------------------------------------------------------------------------------

# A tree that passes.
plant() { # ROOT
    local folder
    for folder in base io sql cli; do
        mkdir -p "$1/engine/$folder"
        printf '/* x.h: promises. PQexec( in prose is fine. */\n#include "base/x.h"\n' \
            >"$1/engine/$folder/x.h"
        printf '#include "%s/x.h"\n\n#include <stdio.h>\n\n#include "base/banned.h"\n\nint f(void);\n' \
            "$folder" >"$1/engine/$folder/x.c"
    done
    mkdir -p "$1/include"
    echo '/* nlsql.h: the public header. */' >"$1/include/nlsql.h"
}

self_test() {
    local top failed=0 n=0 file line expected out
    top=$(mktemp -d)
    # shellcheck disable=SC2064 # $top is gone by then
    trap "rm -rf '$top'" EXIT
    plant "$top/good"
    out=$(check "$top/good" 2>&1) || { echo "a good tree is refused: $out"; failed=1; }
    mkdir "$top/empty"
    if (check "$top/empty") >/dev/null 2>&1; then echo "an empty tree passes"; failed=1; fi

    # file | its first line | what must be said
    while IFS='|' read -r file line expected; do
        n=$((n + 1))
        plant "$top/$n"
        mkdir -p "$(dirname "$top/$n/$file")"
        if [[ $line == banned ]]; then
            sed -i '/banned/d' "$top/$n/$file"
        elif [[ $line == early ]]; then
            echo '#include <time.h>' >>"$top/$n/$file"
        elif [[ $file == *.h ]]; then
            printf '%b\n' "$line" >"$top/$n/$file"
        else
            printf '%b\n#include "base/banned.h"\n' "$line" >"$top/$n/$file"
        fi
        if out=$(check "$top/$n" 2>&1); then
            echo "not noticed: $file: $line"
            failed=1
        elif [[ $out != "$file"*"$expected"* || $out == *$'\n'* ]]; then
            echo "$file: $line: expected one breach with \"$expected\", got: $out"
            failed=1
        fi
    done <<'END'
engine/base/x.c|#include "io/x.h"|base may not include from io
engine/io/x.h|/* x.h: y */\n#include "sql/x.h"|io may not include from sql
engine/sql/x.c|  #  include "cli/x.h"|sql may not include from cli
engine/sql/x.c|#include "../io/x.h"|folder/name.h
engine/sql/x.c|#include "x.h"|folder/name.h
engine/odd/x.c|int f(void);|has no layer
engine/io/x.c|#include <lua.h>|not for this file
engine/sql/x.c|#include <lauxlib.h>|not for this file
engine/io/loop.c|#include <libpq-fe.h>|not for this file
engine/io/pg.c|#include <curl/curl.h>|not for this file
engine/sql/x.c|#include <sqlite3.h>|not for this file
engine/cli/x.c|#include <pg_query.h>|not for this file
engine/cli/x.c|#include <uv.h>|not for this file
engine/io/json.c|#include <yajl/yajl_parse.h>|not for this file
engine/io/yaml.c|#include <yaml.h>|not for this file
engine/data/dedup.c|#include <xxhash.h>|XXH_INLINE_ALL
engine/io/pg.c|  r = PQexec(c, "x");|simple protocol
engine/io/pg.c|/* a\n b */ if (!PQsendQuery (c, s))|simple protocol
engine/cli/x.c|  return lua_yieldk(L, 0, 0, k);|resumes and yields
engine/script/vm.c|  lua_resume(co, L, 0, &n);|resumes and yields
engine/base/x.h|/* y.h: promises */|a header starts with
engine/base/x.h|#include <stdio.h>|a header starts with
engine/io/x.c|banned|base/banned.h
engine/io/x.c|early|base/banned.h
include/nlsql.h|/* nlsql.h: y */\n#include "base/err.h"|stands alone
engine/io/x.h|/* x.h: y */\n#include "nlsql.h"|belongs to engine/cli
END
    ((failed == 0)) && echo "$n broken trees noticed, a good one passes"
    return "$failed"
}

case ${1:-} in
--self-test) self_test ;;
*)
    cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}"
    check "$PWD" && echo "the layers hold"
    ;;
esac

#!/usr/bin/env bash
# check_install.sh BUILD_DIR [CFLAGS...]: installs the build below a temporary prefix, runs the
# program from there in an empty folder, and builds and runs a C program against nlsql.pc.
set -euo pipefail

build=$1
example=$(dirname "$(readlink -f "$0")")/example/ask.c
shift
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
prefix=$top/prefix
cmake --install "$build" --prefix "$prefix" >"$top/log" || { cat "$top/log"; exit 1; }

for path in bin/nlsql include/nlsql.h share/nlsql/scripts/nlsql/runner.lua \
    share/nlsql/phases/joins.lua share/nlsql/prompts; do
    [[ -e $prefix/$path ]] || { echo "$path was not installed"; exit 1; }
done
if find "$prefix/include" -mindepth 1 ! -name nlsql.h | grep .; then
    echo "headers beside nlsql.h were installed"
    exit 1
fi

# The program finds its scripts from where it is, not in the source tree.
mkdir "$top/project"
cd "$top/project"
echo 'print((require("nlsql.files").find("phases", "joins.lua")))' >where.lua
found=$(env -u NLSQL_SHARE "$prefix/bin/nlsql" lua where.lua)
[[ $found == "$prefix"/share/nlsql/phases/joins.lua ]] || { echo "joins was found as: $found"; exit 1; }
"$prefix/bin/nlsql" phases | grep -q '^ *joins' || { echo "nlsql phases does not list joins"; exit 1; }

# Another program opens an engine.
cat >embed.c <<'END'
#include <nlsql.h>
#include <stdio.h>
int main(int argc, char **argv) {
    char error[512] = "";
    nlsql_options options = { .share_dir = argv[1] };
    nlsql *engine = nlsql_open(&options, error, sizeof error);
    int code = engine ? nlsql_run(engine, "no_such_phase", NULL) : -1;
    nlsql_close(engine);
    printf("%s%d\n", error, code);
    return argc != 2;
}
END
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name nlsql.pc)")
export PKG_CONFIG_PATH
read -ra flags < <(pkg-config --cflags --libs nlsql)
cc "$@" embed.c -o embed "${flags[@]}"
said=$(./embed "$prefix/share/nlsql" 2>/dev/null)
[[ $said == 3 || $said == 2 ]] || { echo "the embedding program printed: $said"; exit 1; }
cc "$@" -Wall -Wextra -Werror "$example" -o ask "${flags[@]}"
said=$(./ask 2>&1) && code=0 || code=$?
[[ $code == 2 && $said == "usage: ./ask QUESTION"* ]] || { echo "the example printed: $said"; exit 1; }
echo "installed, ran, and linked"

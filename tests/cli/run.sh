#!/usr/bin/env bash
# run.sh [--update] FILE.t...: runs transcripts of the command line and compares.
# run.sh --self-test: sees that the comparison can fail.
#
# The format is cram's. Lines indented by two spaces are commands and what they print, all others
# are prose:
#
#     $ command           run by bash; the commands of a file share one shell and one folder
#     > continued
#     expected output     standard output and standard error, in the order printed
#     .* ms (re)          an extended regular expression for the whole line
#     took * (glob)       * and ? stand for anything
#     half a line (no-eol)
#     \t\E[1m (esc)       a line with control characters, as bash's $'…' writes it
#     [2]                 the exit status, where it is not 0
#
# A transcript starts in an empty folder with a clean environment: nlsql and fake_openai on PATH,
# HOME and TMPDIR below that folder, SOURCE_DIR the source tree. --update writes what was printed
# back into the file. Environment: NLSQL, the program (build/release/nlsql); TRANSCRIPT_SECONDS.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
nlsql=$(realpath -m "${NLSQL:-$root/build/release/nlsql}")
top=$(mktemp -d "${TMPDIR:-/tmp}/transcript.XXXXXX")
chmod 755 "$top" # a cluster's server may run as another user
trap 'rm -rf "$top"' EXIT

# same EXPECTED ACTUAL: is it what was expected?
same() {
    local want=$1 glob
    [[ $want == "$2" ]] && return 0
    case $want in
    *' (re)') [[ $2 =~ ^(${want% (re)})$ ]] ;;
    *' (glob)')
        glob=${want% (glob)}
        glob=${glob//\[/\\[}
        # shellcheck disable=SC2053 # the right side is a pattern
        [[ $2 == $glob ]]
        ;;
    *) return 1 ;;
    esac
}

# Splits FILE into lines[], and what it runs into commands[]; end[n] is the line on which command n
# ends, which the n-th report in the output belongs to.
load() { # FILE
    local i
    mapfile -t lines <"$1"
    commands=() end=()
    for i in "${!lines[@]}"; do
        case ${lines[i]} in
        '  $ '*) commands+=("${lines[i]:4}") end+=("$i") ;;
        '  > '*) ((${#commands[@]})) && commands[-1]+=$'\n'"${lines[i]:4}" && end[-1]=$i ;;
        esac
    done
}

execute() { # prints everything that the commands print, with "SALT n status" after each
    local n
    for n in "${!commands[@]}"; do
        printf '%s\nprintf "%%s %%d %%d\\n" %s %d $?\n' "${commands[n]}" "$salt" "$n"
    done >"$work/script"
    mkdir -p "$work/cwd" "$work/home" "$work/tmp"
    local keep=() name
    for name in ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TSAN_OPTIONS; do
        [[ -n ${!name:-} ]] && keep+=("$name=${!name}")
    done
    (
        cd "$work/cwd" || exit 1
        exec env -i "PATH=$(dirname "$nlsql"):$(dirname "$nlsql")/tests:/usr/local/bin:/usr/bin:/bin" \
            HOME="$work/home" TMPDIR="$work/tmp" LC_ALL=C.UTF-8 TZ=UTC TERM=dumb COLUMNS=80 \
            SOURCE_DIR="$root" "${keep[@]}" \
            timeout --kill-after=5 "${TRANSCRIPT_SECONDS:-120}" bash "$work/script"
    ) </dev/null >"$work/raw" 2>&1
}

# Reads the raw output into out[n] (lines joined by newlines, each ended by one) and status[n].
collect() {
    local n=0 line text
    out=() status=()
    while IFS= read -r line || [[ -n $line ]]; do
        text=$line
        if [[ $line == *"$salt "* ]]; then
            text=${line%%"$salt "*}
            status[n]=${line##* }
            [[ -n $text ]] && out[n]+="$text (no-eol)"$'\n'
            n=$((n + 1))
            continue
        fi
        if [[ $text == *[[:cntrl:]]* ]]; then
            text=$(printf '%q' "$text")
            text=${text#"$'"}
            text="${text%"'"} (esc)"
        fi
        out[n]+=$text$'\n'
    done < <(tr -d '\0' <"$work/raw")
}

# Prints the transcript with what was printed in place of what was expected, except where that
# matches. It equals the file only where every line is as expected.
merge() {
    local i n=-1 j line wanted=() got=()
    for i in "${!lines[@]}"; do
        line=${lines[i]}
        [[ $line == '  '* && $line != '  $ '* && $line != '  > '* ]] && ((n >= 0)) && continue
        printf '%s\n' "$line"
        ((n + 1 < ${#end[@]} && end[n + 1] == i)) || continue
        n=$((n + 1))
        wanted=()
        for ((j = i + 1; j < ${#lines[@]}; j++)); do
            [[ ${lines[j]} == '  $ '* ]] && break
            [[ ${lines[j]} == '  '* ]] && wanted+=("${lines[j]:2}")
        done
        got=()
        [[ -n ${out[n]:-} ]] && mapfile -t got <<<"${out[n]%$'\n'}"
        case ${status[n]:-none} in
        none) got+=('(did not finish)') ;;
        0) ;;
        *) got+=("[${status[n]}]") ;;
        esac
        j=0
        for line in "${got[@]}"; do
            local k
            for ((k = j; k < ${#wanted[@]}; k++)); do
                if same "${wanted[k]}" "$line"; then
                    line=${wanted[k]}
                    j=$((k + 1))
                    break
                fi
            done
            printf '  %s\n' "$line"
        done
    done
}

transcript() { # FILE: 0 where all is as expected, else prints the difference
    local lines commands end out status work salt
    work=$(mktemp -d "$top/t.XXXXXX")
    chmod 755 "$work"
    salt="SALT$RANDOM$RANDOM$RANDOM"
    load "$1"
    ((${#commands[@]})) || { echo "$1: holds no command"; return 1; }
    execute
    collect
    merge >"$work/merged"
    if [[ -n $update ]]; then
        cmp -s "$1" "$work/merged" || { cp "$work/merged" "$1" && echo "$1: updated"; }
        return 0
    fi
    diff -u --label "$1" --label "$1 (printed)" "$1" "$work/merged"
}

# --- self-test --------------------------------------------------------------------------------

self_test() {
    local n=0 bad=0 verdict text found
    while IFS='|' read -r verdict text; do
        n=$((n + 1))
        printf '%b\n' "$text" >"$top/$n.t"
        if transcript "$top/$n.t" >"$top/report" 2>&1; then found=pass; else found=fail; fi
        if [[ $found != "$verdict" ]]; then
            echo "should $verdict, but did not: $text"
            cat "$top/report"
            bad=1
        fi
    done <<'END'
pass|prose\n\n  $ echo hello\n  hello
fail|  $ echo hello\n  hallo
fail|  $ echo hello
fail|  $ true\n  hello
fail|  $ printf 'a\\nb\\n'\n  b\n  a
fail|  $ printf 'a\\nb\\n'\n  a
pass|  $ printf 'a\\nb\\n'\n  a\n  b
pass|  $ sh -c 'exit 3'\n  [3]
fail|  $ sh -c 'exit 3'
fail|  $ true\n  [3]
pass|  $ echo 12.5 ms\n  [0-9.]+ ms (re)
fail|  $ echo x 12.5 ms\n  [0-9.]+ ms (re)
pass|  $ echo 'took [12] ms'\n  took [*] ?s (glob)
fail|  $ echo took 12\n  took * ms (glob)
fail|  $ echo abc\n  [abc]bc (glob)
pass|  $ printf half\n  half (no-eol)
fail|  $ printf half\n  half
pass|  $ printf 'a\\tb\\n'\n  a\\tb (esc)
pass|  $ for i in 1 2\n  > do echo $i; done\n  1\n  2\nprose\n  $ echo 3 >&2\n  3
pass|  $ x=5; cd /\n  $ echo $x $PWD $OLDPWD\n  5 / /*/cwd (glob)
fail|  $ exit 0\n  $ echo never\n  never
pass|  $ echo ${DATABASE_URL-none}${OPENAI_API_KEY-} $HOME\n  none */home (glob)
pass|  $ cat; ls
fail|no command
END
    ((bad == 0)) && echo "$n transcripts judged rightly"
    return "$bad"
}

update=''
case ${1:-} in
--self-test)
    export DATABASE_URL=postgresql://x OPENAI_API_KEY=x # must not reach a transcript
    self_test
    exit
    ;;
--update)
    update=1
    shift
    ;;
esac
(($#)) || { echo "usage: run.sh [--update] FILE.t... | --self-test" >&2; exit 2; }
[[ -x $nlsql ]] || { echo "run.sh: no program $nlsql: build it, or set NLSQL" >&2; exit 2; }
failed=0
for file; do
    transcript "$file" || failed=$((failed + 1))
done
echo "$(($# - failed)) passed, $failed failed"
((failed == 0))

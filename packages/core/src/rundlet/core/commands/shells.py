"""The completion scripts of bash, zsh and fish: they ask the program itself (`complete`)."""

from __future__ import annotations

from ..errors import InvalidArgument

_BASH = """\
# bash completion for PROGRAM: source it, or put it into
# /usr/share/bash-completion/completions/PROGRAM
_FUNCTION() {
    local line=${COMP_LINE:0:COMP_POINT} answer word start=''
    local quoted="^([^\\"']*=)[\\"'](.*)"
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    word=${words[${#words[@]}-1]}
    if [[ $word == [\\"\\']* ]]; then
        words[${#words[@]}-1]=${word:1}  # bash closes the quote itself
    elif [[ $word =~ $quoted ]]; then
        start=${BASH_REMATCH[1]}  # bash replaces only what follows the quote
        words[${#words[@]}-1]=$start${BASH_REMATCH[2]}
    elif [[ $word == *[=:]* && $COMP_WORDBREAKS == *[=:]* ]]; then
        start=${word%"${word##*[=:]}"}  # bash replaces only what follows the last = or :
    fi
    COMPREPLY=()
    while IFS= read -r answer; do
        if [[ $answer == *:files ]]; then
            compopt -o default
            COMPREPLY=()
            return
        fi
        answer=${answer%%$'\\t'*}
        COMPREPLY+=("${answer#"$start"}")
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:/] ]] && compopt -o nospace
}
complete -F _FUNCTION PROGRAM
"""

_ZSH = """\
#compdef PROGRAM
# zsh completion for PROGRAM: put it into a directory of $fpath as _PROGRAM
_FUNCTION() {
    local answer
    local -a found open typed
    typed=("${(@Q)words[2,CURRENT]}")
    typed[-1]=${typed[-1]#[\\"\\']}  # a quote that is not closed yet
    typed[-1]=${typed[-1]/=[\\"\\']/=}
    for answer in "${(@f)$("${words[1]}" __complete "${(@)typed}" 2>/dev/null)}"; do
        [[ -z $answer ]] && continue
        if [[ $answer == *:files ]]; then
            _files
            return
        fi
        answer=${answer//:/\\\\:}
        if [[ ${answer%%$'\\t'*} == *[=:/] ]]; then
            open+=("${answer/$'\\t'/:}")
        else
            found+=("${answer/$'\\t'/:}")
        fi
    done
    _describe 'PROGRAM' found -- open -S ''
}
if [ "$funcstack[1]" = "_FUNCTION" ]; then
    _FUNCTION "$@"
else
    compdef _FUNCTION PROGRAM
fi
"""

_FISH = """\
# fish completion for PROGRAM: put it into ~/.config/fish/completions/PROGRAM.fish
function __FUNCTION_complete
    set -l words (commandline -opc) (commandline -ct | string replace -r '^([^"\\']*=|)["\\']' '$1')
    for answer in ($words[1] __complete $words[2..-1] 2>/dev/null)
        if string match -q -- '*:files' $answer
            __fish_complete_path (commandline -ct)
            return
        end
        echo $answer
    end
end
complete -c PROGRAM -f -a '(__FUNCTION_complete)'
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(program: str, shell: str) -> str:
    """The completion script of a program. Raises InvalidArgument for an unknown shell."""
    if shell not in _SCRIPTS:
        raise InvalidArgument(
            f"no completion for the shell {shell!r}", remedy=f"Choose from: {', '.join(_SCRIPTS)}"
        )
    function = program.replace("-", "_")
    return _SCRIPTS[shell].replace("FUNCTION", function).replace("PROGRAM", program)

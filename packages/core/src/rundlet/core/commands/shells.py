"""The completion scripts of bash, zsh and fish: they ask the program itself (`complete`)."""

from __future__ import annotations

from ..errors import InvalidArgument

_BASH = r"""# bash completion for PROGRAM: source it, or put it into
# /usr/share/bash-completion/completions/PROGRAM
_FUNCTION() {
    local line=${COMP_LINE:0:COMP_POINT} quote='' word='' begun='' typed='' special
    local answer character i
    local -a words=()
    local from=$((${#line} - ${#2}))  # here begins what bash replaces
    [[ -n $2 && $COMP_WORDBREAKS == *"${2:0:1}"* ]] && ((from++))
    for ((i = 0; i < ${#line}; i++)); do
        ((i == from)) && typed=$word
        character=${line:i:1}
        if [[ $quote$character == \\ || $quote$character == \"\\ ]]; then
            character=${line:$((++i)):1}
            [[ $quote && $character != [\"\\\$\`] ]] && word+=\\
            word+=$character begun=yes
        elif [[ $quote ]]; then
            if [[ $character == "$quote" ]]; then quote=''; else word+=$character; fi
        elif [[ $character == [\"\'] ]]; then
            quote=$character begun=yes
        elif [[ $character == [[:space:]] ]]; then
            [[ $begun ]] && words+=("$word")
            word='' begun=''
        else
            word+=$character begun=yes
        fi
    done
    ((i <= from)) && typed=$word
    case $quote in
        \') special=\' ;;
        \") special='"\$`' ;;
        *) special=$' \t"\'\\$`&;|<>()*?[]!#' ;;
    esac
    COMPREPLY=()
    while IFS= read -r answer; do
        if [[ $answer == *:files ]]; then
            compopt -o default
            COMPREPLY=()
            return
        fi
        answer=${answer%%$'\t'*}
        answer=${answer#"$typed"}
        word=''
        for ((i = 0; i < ${#answer}; i++)); do
            character=${answer:i:1}
            [[ $special == *"$character"* ]] && character=\\$character
            word+=$character
        done
        [[ $quote == \' ]] && word=${word//\\\'/\'\\\'\'}
        COMPREPLY+=("$word")
    done < <("${words[0]/#\~\//$HOME/}" __complete "${words[@]:1}" "$word" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *@([=:/]|'{{'*.) ]]; then
        compopt -o nospace
        [[ $quote ]] && COMPREPLY+=("${COMPREPLY[0]} ")  # or bash would close the quote
    fi
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
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l word (string replace -r '^([^"\\']*=|)["\\']' '$1' -- $token)  # not closed yet
    test "$word" = "$token"; and set word (string unescape -- $token; or echo $token)
    for answer in ($words[1] __complete $words[2..-1] "$word" 2>/dev/null)
        if string match -q -- '*:files' $answer
            __fish_complete_path "$word"
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

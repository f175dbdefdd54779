# shellcheck shell=bash
# Completion for bash: chatroom_client's options, values that are one of a few, names of files and
# hosts. It asks no hub for rooms: everybody there would see it come and go.

_chatroom_client_options='--batch --bell --color --config --connect-timeout --count --format --help
    --history --idle --interactive --json --linger --nick --no-bell --no-config --no-null --no-ping
    --no-quiet --no-reconnect --no-remember --no-stay --no-timestamps --null --ping --quiet
    --reconnect --remember --room --send --stay --timeout --timestamps --version'

_chatroom_client() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    case $previous in
    --color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$current") ;;
    --config) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    -[CFNWr] | --connect-timeout | --count | --format | --history | --idle | --linger | --nick | \
        --room | --send | --timeout) COMPREPLY=() ;;
    *)
        if [[ $current == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$_chatroom_client_options" -- "$current")
        else
            mapfile -t COMPREPLY < <(compgen -A hostname -W 'unix:' -- "$current")
        fi
        ;;
    esac
}

complete -F _chatroom_client chatroom_client

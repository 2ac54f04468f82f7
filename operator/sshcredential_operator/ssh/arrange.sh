# Brings ~/.ssh/authorized_keys into order where there is no SFTP. Sent to `sh` by shell_arranging.py, after a line that
# sets mode (look or write), half1 and half2 (together the mark of what is ours in the output) and token.
# shellcheck shell=sh disable=SC2154
LC_ALL=C
export LC_ALL
umask 077
set -f
say() { printf '\n%s%s %s\n' "$half1" "$half2" "$1"; }
taken=no
clean() {
    [ "$taken" = no ] || rm -f "$new" "$old" "$lock"
    taken=no
}
refuse() {
    clean # before it is told: then nobody listens any more
    say "refused $1"
    exit 0
}
why() { # why TEXT: what a command said becomes a word of ours
    case $1 in
    *'No space'* | *quota*) refuse DiskFull ;;
    *Read-only*) refuse ReadOnly ;;
    *ermission* | *ermitted*) refuse NoPermission ;;
    *) refuse CannotWrite ;;
    esac
}
facts() {
    # Splitting into words is meant.
    # shellcheck disable=SC2046
    set -- $(ls -ldn "$1" 2>/dev/null)
    bits=$1 owner=$3 size=$5
}
safe() { # safe BITS: neither the group nor others may write
    case $1 in
    ?????w* | ????????w*) return 1 ;;
    esac
}

command -v cmp >/dev/null || refuse NoShell
cd "${HOME:-/nonexistent}" 2>/dev/null || refuse HomeMissing
home=$(pwd -P)
file=.ssh/authorized_keys
[ ! -e .ssh ] || [ -d .ssh ] || refuse NotAFile
if [ -h "$file" ]; then
    links=0
    while [ -h "$file" ]; do
        links=$((links + 1))
        [ "$links" -le 8 ] || refuse Link
        to=$(readlink "$file") || refuse Link
        case $to in
        /*) file=$to ;;
        *) file=${file%/*}/$to ;;
        esac
    done
    folder=$(cd "${file%/*}" 2>/dev/null && pwd -P) || refuse Link
    case $folder/ in
    "${home%/}"/*) file=$folder/${file##*/} ;;
    *) refuse Link ;;
    esac
    [ -f "$file" ] || refuse Link
fi
[ ! -e "$file" ] || [ -f "$file" ] || refuse NotAFile
folder=${file%/*}
lock=$folder/.authorized_keys.sshcredential-operator.lock
new=$folder/.authorized_keys.sshcredential-operator.$token.tmp
old=$folder/.authorized_keys.sshcredential-operator.${token%????}0000.tmp

modes=safe
if [ "$mode" = write ]; then
    [ -d .ssh ] || said=$(mkdir .ssh 2>&1) || [ -d .ssh ] || why "$said"
    facts .ssh
    safe "$bits" || chmod go-w .ssh 2>/dev/null
    said=$( (set -C && : >"$lock") 2>&1) || {
        case $said in
        *'ile exists'* | *existing* | *'already exists'*) ;;
        *) why "$said" ;;
        esac
        stale=$(find "$lock" -prune -mmin +3 2>/dev/null || find "$lock" -prune -mtime +0 2>/dev/null)
        [ -z "$stale" ] || { mv "$lock" "$new" && rm -f "$new"; } 2>/dev/null
        refuse Locked
    }
    taken=yes
    trap clean 0
    trap 'exit 1' HUP INT TERM PIPE
    find "$folder/." ! -name . -prune -name '.authorized_keys.sshcredential-operator.*.tmp' -mmin +3 \
        -exec rm -f {} \; 2>/dev/null
elif [ -d .ssh ]; then
    facts .ssh
    safe "$bits" || modes=unsafe
fi

there=absent source=/dev/null
if [ -e "$file" ]; then
    there=present source=$file
    facts "$file"
    [ "$size" -le 1048576 ] || refuse TooLarge
    [ -r "$file" ] || refuse NoPermission
    safe "$bits" || modes=unsafe
    if [ "$mode" = write ]; then
        exec 3<"$file" 4<"$file"
        said=$( (set -C && cat "$file" >"$old") 2>&1) || why "$said"
        source=$old
    fi
fi
say "file $there $modes"
cat "$source"
say end
[ "$mode" = write ] || exit 0

IFS= read -r reply || exit 1
if [ "$reply" = keep ]; then
    safe "$bits" || chmod go-w "$file" 2>/dev/null
    say done
    exit 0
fi
[ "$there" = absent ] || [ "$owner" = "$(id -u)" ] || refuse OtherOwner
said=$( (set -C && cat >"$new") 2>&1) || why "$said"
[ "$(wc -c <"$new")" -eq "$reply" ] || refuse CannotWrite
dd of="$new" conv=notrunc,fsync </dev/null >/dev/null 2>&1 # onto the disk, where dd can
if [ "$there" = present ]; then
    rights=u=rw
    case $bits in ?r-*) rights=u=r ;; esac
    case $bits in ????r*) rights=$rights,g=r ;; esac
    case $bits in ???????r*) rights=$rights,o=r ;; esac
    chmod "$rights" "$new"
    if [ ! -f "$file" ] || ! cmp -s "$file" "$old"; then
        refuse Changed
    fi
    said=$(mv -f "$new" "$file" 2>&1) || why "$said"
elif ! ln "$new" "$file" 2>/dev/null; then # this does not replace a file that came meanwhile
    [ ! -e "$file" ] || refuse Changed
    said=$(mv -f "$new" "$file" 2>&1) || why "$said"
fi
! command -v restorecon >/dev/null || restorecon -F .ssh "$file" >/dev/null 2>&1
say done
if [ "$there" = present ] && ! cmp -s - "$old" <&3; then
    say late
    cat <&4
    say end
fi

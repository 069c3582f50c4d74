# Makes the file system of the shadow and starts drygate in it. Runs as root of a user namespace of its own, never of the machine.
# Arguments: the scratch directory, drygate's program, user and group id to run under, then the directories of PostgreSQL's programs.
set -eu
scratch=$1 program=$2 uid=$3 gid=$4
shift 4
mount --make-rprivate /
root=$scratch/root
mkdir "$root"
mount -t tmpfs -o mode=0755 tmpfs "$root"
cd "$root"
mkdir etc proc dev old
# What is not named here does not exist in there: no home, no data directory, no socket directory.
show() {
  mkdir -p ".$1"
  mount --rbind -o ro "$1" ".$1"
  mount -o remount,bind,ro ".$1"
}
for place in usr bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$place" ]; then
    ln -s "$(readlink "/$place")" "$place"
  elif [ -d "/$place" ]; then
    show "/$place"
  fi
done
for place in "$@"; do
  case $place in /usr/*) ;; *) show "$place" ;; esac
done
for file in passwd group ld.so.cache localtime nsswitch.conf; do
  if [ -e "/etc/$file" ]; then
    : > "etc/$file"
    mount --bind -o ro "/etc/$file" "etc/$file"
  fi
done
for node in null zero random urandom; do
  : > "dev/$node"
  mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/shm
mount -t tmpfs tmpfs dev/shm
mount -t proc proc proc
: > drygate
mount --bind -o ro "$program" drygate
mkdir -p ".$scratch"
mount --bind "$scratch" ".$scratch"
pivot_root . old
cd /
umount -l /old
rmdir /old
mount -o remount,bind,ro /
cd "$scratch"
# PostgreSQL refuses to run as root, also as root of a namespace.
exec unshare --user "--map-user=$uid" "--map-group=$gid" /drygate shadow

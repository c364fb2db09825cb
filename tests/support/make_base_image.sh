#!/usr/bin/env bash
# make_base_image.sh ARCHIVE PROGRAM: makes an archive of a root file system with a shell, coreutils and Python, of this
# machine's own files, and with the libraries that PROGRAM needs.
set -euo pipefail
archive=$1 program=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

python=$(readlink -f /usr/bin/python3)
library=lib/${python##*/}
mkdir -p "$root"/{usr/bin,usr/lib64,"usr/$library",tmp,proc,sys,dev,run,etc}
for name in bin lib lib64; do ln -s "usr/$name" "$root/$name"; done
for name in bash cat ls sleep id env head tail dd mkdir rm touch chmod stat uname grep sort seq setsid true; do
  cp "$(type -P "$name")" "$root/usr/bin/"
done
ln -s bash "$root/usr/bin/sh"
cp "$python" "$root/usr/bin/"
ln -s "${python##*/}" "$root/usr/bin/python3"
tar -C "/usr/$library" --exclude=test --exclude=dist-packages --exclude=__pycache__ --exclude='config-*' \
  --exclude=idlelib --exclude=tkinter --exclude=lib2to3 -c . | tar -C "$root/usr/$library" -x
# ldd fails for what is linked statically.
{ ldd "$root"/usr/bin/* "$program" "$root/usr/$library"/lib-dynload/*.so 2>/dev/null || true; } |
  grep -o '/lib[^ ]* (0x' | cut -d' ' -f1 | sort -u |
  while read -r each; do cp -L --parents "$each" "$root/"; done
echo 'root:x:0:0::/:/bin/sh' >"$root/etc/passwd"
echo 'an image of the tests' >"$root/etc/maze-image"
tar -C "$root" -cf "$archive.new" .
mv "$archive.new" "$archive"

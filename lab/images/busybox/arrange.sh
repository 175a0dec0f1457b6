#!/bin/sh
# $1 holds the unpacked package: leave the binary, a link for each applet, and the few files of a system.
set -e
cd "$1"

binary=$(find . -name busybox -type f -perm -100 | head -n 1)
mv "$binary" busybox
find . -mindepth 1 -maxdepth 1 ! -name busybox -exec rm -rf {} +

mkdir -p bin etc dev home root usr/bin usr/sbin usr/lib var/spool/mail var/www
install -d -m 1777 tmp
ln -s bin sbin
mv busybox bin/busybox
for applet in $(bin/busybox --list); do
  [ -e "bin/$applet" ] || ln bin/busybox "bin/$applet"
done
ln -s /bin/env usr/bin/env

cat >etc/passwd <<'USERS'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
USERS
cat >etc/group <<'GROUPS'
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
mail:x:8:
www-data:x:33:
nobody:x:65534:
GROUPS
echo "root:*:::::::" >etc/shadow
chmod 600 etc/shadow

#!/bin/sh
# Stands in the place of a program in the tests of this folder: notes how it is called, then does as the test says. A file
# that a test would write itself could still be open in another thread's child when it is run.
name=${0##*/}
here=${0%/*}
echo "$name $*" >> "$here/../../log"
# Who is told a password has to take it.
case "$*" in *--password-stdin*) cat > /dev/null ;; esac
. "$here/$name.does"

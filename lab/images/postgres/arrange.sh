#!/bin/sh
# $1 holds the layer: leave out the JIT compiler, which weighs more than the server, and Perl's cluster tools.
set -e
cd "$1/usr"

rm -rf lib/postgresql/*/lib/bitcode lib/postgresql/*/lib/llvmjit* lib/x86_64-linux-gnu/libLLVM* lib/llvm-*
rm -rf lib/*/libz3.so* share/postgresql-common share/perl share/perl5 lib/*/perl lib/*/perl5 lib/*/libperl.so*

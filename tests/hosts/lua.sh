#!/bin/bash
# examples/lua does what pilatus.c does, by the headers as they are.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/hosts/host.sh

does_as_pilatus luajit examples/lua/pilatus.lua
echo "1..$n"

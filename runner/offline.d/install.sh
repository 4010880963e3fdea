#!/bin/sh
# Install the ceremony runner from the folder this script lies in: sh install.sh TARGET
#
# TARGET is a folder that is not there yet. PYTHON names the Python to use, if it is not python3.
# Nothing is fetched; a file that is not the one requirements.txt names is refused. Exit: 0 done, 1 refused, 2 wrong use.
set -eu

wrong() {
  echo "install.sh: $1" >&2
  exit 2
}
refuse() {
  echo "install.sh: $1" >&2
  rm -rf -- "$target"
  exit 1
}

[ $# -eq 1 ] || wrong "say where: sh install.sh TARGET"
case $1 in
  /*) target=$1 ;;
  *) target=$PWD/$1 ;;
esac
python=${PYTHON:-python3}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if [ -e "$target" ] || [ -h "$target" ]; then wrong "$target is there already"; fi
command -v sha256sum >/dev/null || wrong "sha256sum is needed"
this=$("$python" -I -c 'import sys, sysconfig; print(sys.implementation.cache_tag + "-" + sysconfig.get_platform())') ||
  wrong "$python is needed"
software=$(sed -n 's/^software   \([0-9a-f]*\) version .*$/\1/p' "$here/SOFTWARE")
made_for=$(sed -n 's/^made for   //p' "$here/SOFTWARE")

"$python" -I -m venv "$target" || refuse "$python cannot make an environment; on Debian, install python3-venv"

# Neither the environment nor a file of this machine may tell pip to look elsewhere.
PIP_CONFIG_FILE=/dev/null "$target/bin/python" -I -m pip --isolated --disable-pip-version-check install --quiet \
  --no-index --no-cache-dir --find-links "$here/wheels" --only-binary :all: --require-hashes \
  -r "$here/requirements.txt" ||
  refuse "nothing is installed. The bundle is made for $made_for; this is $this"

# What was installed, counted with tools that are not part of it.
cd -- "$("$target/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
found=$(find hsm_emulator runner -type f ! -path '*/__pycache__/*' ! -path 'runner/shipped/*' |
  LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d ' ' -f 1)
[ "$found" = "$software" ] || refuse "nothing is installed. SOFTWARE says $software; the wheel holds $found"

echo "installed in $target"
echo "software   $found"

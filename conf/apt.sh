#!/bin/sh
# Installs the Debian packages that are missing for what is asked: conf/apt.sh run | test | bench
# Run by make; does nothing where everything is there. Needs root or sudo only when something is missing.
set -eu
python=${PYTHON:-python3.11}
missing=""

need() { # need <package>: unless the check that was just made succeeded
    case " $missing " in *" $1 "*) ;; *) missing="$missing $1" ;; esac
}

PATH="$PATH:/usr/sbin:/usr/local/sbin"
had_nginx=yes
had_prometheus=yes
command -v nginx >/dev/null || { need nginx-light; had_nginx=no; }
command -v "$python" >/dev/null || need python3.11
"$python" -c 'import ensurepip, venv' 2>/dev/null || need python3.11-venv
# uwsgi is compiled: it needs a compiler and Python's headers.
command -v cc >/dev/null || need build-essential
"$python" -c 'import os, sysconfig as s; exit(not os.path.exists(s.get_path("include") + "/Python.h"))' 2>/dev/null \
    || need python3.11-dev
if [ "${1:-run}" = test ]; then
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need postgresql
    command -v promtool >/dev/null || { need prometheus; had_prometheus=no; }
    command -v logrotate >/dev/null || need logrotate
    command -v curl >/dev/null || need curl  # the commands in docs/ are run as they stand
    command -v chromium >/dev/null || need chromium
    fc-list :lang=zh 2>/dev/null | grep -q . || need fonts-wqy-microhei
fi
if [ "${1:-run}" = bench ]; then
    command -v wrk >/dev/null || need wrk
fi

[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null; then
    as_root="sudo"
else
    echo "Pm: these Debian packages are missing and installing them needs root: run \"apt-get install$missing\" as root, then make again." >&2
    exit 1
fi
echo "-- Installing$missing"
export DEBIAN_FRONTEND=noninteractive
install_packages() { $as_root apt-get install -y -q --no-install-recommends $missing >log/apt.log 2>&1; }
install_packages || { $as_root apt-get update -q >>log/apt.log 2>&1 && install_packages; } || {
    tail -n 5 log/apt.log >&2
    echo "Pm: apt-get could not install$missing: see log/apt.log, or install them by hand and run make again." >&2
    exit 1
}
# Debian starts what it installs; supervisor runs our nginx, and of prometheus only promtool is wanted.
end_service() {
    $as_root service "$1" stop >/dev/null 2>&1 || true
    command -v systemctl >/dev/null && $as_root systemctl disable "$1" >/dev/null 2>&1 || true
}
[ "$had_nginx" = yes ] || end_service nginx
[ "$had_prometheus" = yes ] || end_service prometheus

export PHP_INI_VERSION=v3
export ENTRYPOINT_VERSION=v12

wp() {
  export INNER=no
  su -p www-data -s /bin/bash -c "wp $@"
}

function set_theme {
  echo "${1:-none}"
}

# Sourced by the scripts: the comment at the head of a script is its help.

# help_if_asked "$@": print it and stop when the first word asks for help
help_if_asked() {
  case ${1:-} in
    -h | --help)
      sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
      exit
      ;;
  esac
}

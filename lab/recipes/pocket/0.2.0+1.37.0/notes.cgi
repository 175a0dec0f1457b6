#!/bin/sh
# GET ?KEY reads a note; POST ?KEY stores what is sent under it, and with nothing sent removes it.

answer() {
  printf 'Status: %s\r\nContent-Type: text/plain\r\n\r\n' "$1"
}

key=$QUERY_STRING
case "$key" in
  "" | *[!a-zA-Z0-9_-]*)
    answer "400 Bad Request"
    echo "a key is made of letters, digits, - and _"
    exit
    ;;
esac

note=/notes/entries/$key
case "$REQUEST_METHOD" in
  POST)
    if [ "${CONTENT_LENGTH:-0}" -gt 0 ]; then
      # no key has a dot, so the part that is not there yet is no note
      head -c "$CONTENT_LENGTH" >"$note.$$" && mv "$note.$$" "$note"
    else
      rm -f "$note"
    fi
    answer "200 OK"
    ;;
  *)
    if [ -f "$note" ]; then
      answer "200 OK"
      cat "$note"
    else
      answer "404 Not Found"
      echo "no such note"
    fi
    ;;
esac

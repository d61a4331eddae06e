#!/bin/sh
# Begins the script that accounts/main.ts prints for Kafka; runs where Kafka's own commands are. The environment may name their
# folder, the broker, and a properties file of an account that may alter the cluster. A password is in a file of the shell's
# own while it is set, never in an argument. No command may read stdin: the script itself may come by it.
set -eu
bin=${KAFKA_BIN:-/opt/kafka/bin}
bootstrap=${BOOTSTRAP:-localhost:9092}
admin=${ADMIN_CONFIG:-/dev/null}
secret=$(mktemp)
trap 'rm -f "$secret"' EXIT

# account NAME: makes a SCRAM account with the properties on stdin.
account() {
  cat >"$secret"
  "$bin/kafka-configs.sh" --bootstrap-server "$bootstrap" --command-config "$admin" \
    --alter --entity-type users --entity-name "$1" --add-config-file "$secret" </dev/null
}

acl() {
  "$bin/kafka-acls.sh" --bootstrap-server "$bootstrap" --command-config "$admin" --add --force "$@" </dev/null >/dev/null
}


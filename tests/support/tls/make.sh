#!/bin/sh
# Makes the certificates of the tests anew, in this directory; they hold until the year 2126. Needs OpenSSL 3.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$1.key"; }

# NAME, SUBJECT, EXTENSION, then openssl's options for the dates
certificate() {
    name=$1 subject=$2 extension=$3
    shift 3
    key "$name"
    openssl req -new -key "$work/$name.key" -subj "/CN=$subject" -out "$work/$name.csr"
    printf '%s\nkeyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\n' "$extension" > "$work/extensions"
    openssl ca -batch -notext -config "$work/ca.conf" -in "$work/$name.csr" -extfile "$work/extensions" \
        -out "$work/$name.crt" "$@" 2> "$work/log" || { cat "$work/log"; exit 1; }
    cat "$work/$name.key" "$work/$name.crt" > "$name.pem"
}

key authority
openssl req -x509 -new -key "$work/authority.key" -subj "/CN=Test authority" -days 36500 -out authority.pem \
    -addext "keyUsage=critical,keyCertSign" -addext "basicConstraints=critical,CA:TRUE"
touch "$work/index"
cat > "$work/ca.conf" <<CONF
[ca]
default_ca = tests
[tests]
database = $work/index
new_certs_dir = $work
certificate = authority.pem
private_key = $work/authority.key
rand_serial = yes
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
CONF

long="-days 36500"
vendors="DNS:api.openai.com,DNS:api.github.com,DNS:api.githubcopilot.com,DNS:api.anthropic.com"
vendors="$vendors,DNS:api.acme.ghe.com,DNS:copilot-api.acme.ghe.com"
server="subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost,DNS:upstream.test,DNS:proxy.test,$vendors"
certificate server "Test server" "$server" $long
certificate expired "Expired server" "$server" -startdate 20200101000000Z -enddate 20210101000000Z
certificate early "Server of the future" "$server" -startdate 21000101000000Z -enddate 21250101000000Z
certificate elsewhere "Another host" "subjectAltName=DNS:elsewhere.test,IP:192.0.2.1" $long
certificate client "Test client" "extendedKeyUsage=clientAuth" $long
openssl pkey -in "$work/client.key" -aes256 -passout pass:pass-of-a-key -out client_locked.key
openssl x509 -in "$work/client.crt" -out client_alone.pem

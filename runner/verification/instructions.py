"""VERIFY.txt: how to check a record with tools that are on every machine. One constant text per format version."""

from __future__ import annotations

from typing import Final

FORMAT: Final = "record/1"

TEXT: Final = r"""HOW TO CHECK THIS RECORD (record/1)

You need a shell, sha256sum, perl, openssl 3, jq and ssh-keygen (OpenSSH 9.1 or later); nothing of the program that made
the record. Paste each command into a shell whose current folder is the one this file is in. None of them changes
anything here.

0. If the first line of log.jsonl holds "rehearsal":true, this is the record of a REHEARSAL on a SIMULATED device:
   none of its keys is worth anything.

1. Files. Every line must say OK. The two numbers must be the same: SHA256SUMS lists every file but itself.

       sha256sum --strict -c SHA256SUMS
       find . -type f ! -path ./SHA256SUMS | wc -l; wc -l < SHA256SUMS

2. Log. Each line names the hash of the line before it, and all of them together have one root (RFC 6962).
   The two lines the first command prints, the number of entries and the root, must be those that the second prints out
   of the last checkpoint.

       perl -C0 -MDigest::SHA=sha256 -MMIME::Base64=encode_base64 -e '
         my ($before, @full) = ("0" x 64);
         while (my $line = <>) {
           $line =~ s/\n\z// or die "line $. has no end\n";
           $line =~ /"prev":"([0-9a-f]{64})"/ or die "line $. names no line before it\n";
           $1 eq $before or die "line $. does not follow the line before it\n";
           my $hash = sha256("\0", $line);
           $before = unpack("H*", $hash);
           my $level = 0;
           for (; defined $full[$level]; $level++) {
             $hash = sha256("\1", $full[$level], $hash);
             undef $full[$level];
           }
           $full[$level] = $hash;
         }
         my $root;
         for my $part (grep { defined } @full) {
           $root = defined $root ? sha256("\1", $part, $root) : $part;
         }
         print "$.\n", encode_base64($root);
       ' log.jsonl

       sed -n 2,3p "$(ls checkpoints/*.ckpt | tail -n 1)"

3. Signatures of the checkpoints. Each sitting, one process on one machine, had a log key of its own. Every line must
   name the key file that fits; none may say FAILED.

       tmp="$(mktemp -d)"
       for note in checkpoints/*.ckpt; do
         head -n 3 "$note" > "$tmp/text"
         tail -n 1 "$note" | cut -d ' ' -f 3 | base64 -d | tail -c 64 > "$tmp/signature"
         by=FAILED
         for key in keys/log-*.pub.pem; do
           if openssl pkeyutl -verify -pubin -inkey "$key" -rawin \
             -in "$tmp/text" -sigfile "$tmp/signature" > "$tmp/said" 2>&1; then by="$key"; fi
         done
         echo "$note $by"
       done

   The log must name these keys and no others: no output from cmp, and OK for each file.

       tmp="$(mktemp -d)"
       jq -r 'select(.type == "ceremony.opened" or .type == "ceremony.resumed") | .data.log_key' \
         log.jsonl > "$tmp/named"
       number=0
       while [ -e "keys/log-$number.vkey" ]; do
         cat "keys/log-$number.vkey" >> "$tmp/kept"
         cut -d + -f 3- "keys/log-$number.vkey" | base64 -d | tail -c 32 > "$tmp/one"
         openssl pkey -pubin -in "keys/log-$number.pub.pem" -outform DER | tail -c 32 > "$tmp/other"
         if cmp "$tmp/one" "$tmp/other"; then echo "keys/log-$number OK"; else echo "keys/log-$number FAILED"; fi
         number=$((number + 1))
       done
       cmp "$tmp/named" "$tmp/kept"

4. One spelling. No output means that log and plan are written in the one way they may be.

       jq -cS . log.jsonl | cmp - log.jsonl
       jq -cjS . plan.json | cmp - plan.json

5. Plan and approval. Every line must say OK: the log names the plan, what approvers signed, the people's keys, and
   every statement and signature; sums.txt names plan and sources; the manifest names sums.txt.

       jq -r '
         def line($name): . + "  " + $name;
         if .seq == 0 then .data
           | (.plan_sha256 | line("plan.json")), (.manifest_sha256 | line("approval/manifest.txt")),
             (.allowed_signers_sha256 | line("keys/allowed_signers")),
             (.approvals[] | .person as $person | .sha256 | line("approval/manifest.txt." + $person + ".sshsig"))
         elif .type == "attested" then
           ("statements/" + ("000000000" + (.seq | tostring))[-10:] + "." + .data.person + ".txt") as $name
           | .data | (.statement_sha256 | line($name)), (.signature_sha256 // empty | line($name + ".sshsig"))
         else empty end' log.jsonl | sha256sum --strict -c
       sha256sum --strict -c approval/sums.txt
       if grep -qx "files      $(sha256sum < approval/sums.txt | cut -c 1-64)" approval/manifest.txt &&
         grep -qx "plan       $(sha256sum < plan.json | cut -c 1-64)" approval/manifest.txt
       then echo "approval/manifest.txt: OK"; else echo "approval/manifest.txt: FAILED"; fi

6. Signatures of people, over what they approved and what they attested. Every line must end with OK or "typed": who
   only typed signed nothing. Read approval/manifest.txt and the files of statements/: they say what was signed.

       for text in approval/manifest.txt.*.sshsig statements/*.txt; do
         name="${text##*/}"
         case "$text" in
           *'*'*) continue ;;
           approval/*)
             signature="$text"; text=approval/manifest.txt; space=playbook-approve; seq=0
             person="${name#manifest.txt.}"; person="${person%.sshsig}" ;;
           *)
             signature="$text.sshsig"; space=step-attest; seq="${name%%.*}"
             person="${name#*.}"; person="${person%.txt}"
             if head -n 1 "$text" | grep -q '^STATEMENT OF CLOSE '; then space=ceremony-close; fi ;;
         esac
         if [ ! -e "$signature" ]; then echo "$text typed"; continue; fi
         time="$(sed -n "$(expr "$seq" + 1)p" log.jsonl | jq -r .time | cut -c 1-19 | tr -d 'T:-')Z"
         if ssh-keygen -Y verify -f keys/allowed_signers -I "$person" -n "$space@ceremony" -s "$signature" \
           -O verify-time="$time" < "$text" > /dev/null 2>&1
         then echo "$signature OK"; else echo "$signature FAILED"; fi
       done

7. People's keys. No output means that they are those of the plan. In a rehearsal with scripted people
   ("signers":"simulated" in the first line of log.jsonl) they are simulated, and differ.

       jq -r '.people[] | select(.key) | .id + " namespaces=\"playbook-approve@ceremony,step-attest@ceremony," +
         "ceremony-close@ceremony,package-receive@ceremony\" " + .key' plan.json | cmp - keys/allowed_signers

8. End. This must print "completed". Anything else is a ceremony that was aborted, is not over, or lost its end.

       tail -n 1 log.jsonl | jq -r .data.outcome

WHAT THIS DOES NOT PROVE

- Whose record it is. Anybody can make a record that passes all of this, with log keys and people's keys of their own.
  Compare the origin (line 1 of each checkpoint), the plan's digest, and the log keys or the people's keys with copies
  that did not come with it. keys/allowed_signers is a copy for reference.
- When it happened. The times in it are that machine's clock; signatures were checked as of them.
- That it is the only copy. An older copy of the same record, one that went on otherwise, or another ceremony with the
  same approval passes as well.
- That manifest and statements say what plan and log say, and that the steps fit the plan: who had to sign, quorums,
  expected results, the devices' own audit logs, one key from generation to import. The verifier checks those; it needs
  the trust file from outside this folder.
"""
"""The whole file; the writer puts exactly this into a record, and the verifier compares it by bytes."""

VERIFY_TXT: Final = TEXT.encode()
"""The bytes of VERIFY.txt."""

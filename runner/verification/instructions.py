"""VERIFY.txt: how to check a record with tools that are on every machine. One constant text per format version."""

from __future__ import annotations

from typing import Final

FORMAT: Final = "record/1"

TEXT: Final = r"""HOW TO CHECK THIS RECORD (record/1)

You need a shell, sha256sum, perl, openssl 3 and jq; nothing of the program that made the record. Paste each command
into a shell whose current folder is the one this file is in. None of them changes anything here.

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

3. Signature of the last checkpoint. It must say "Signature Verified Successfully".

       last="$(ls checkpoints/*.ckpt | tail -n 1)"; tmp="$(mktemp -d)"
       head -n 3 "$last" > "$tmp/text"
       tail -n 1 "$last" | cut -d ' ' -f 3 | base64 -d | tail -c 64 > "$tmp/signature"
       openssl pkeyutl -verify -pubin -inkey keys/log-0.pub.pem -rawin \
         -in "$tmp/text" -sigfile "$tmp/signature"

4. One spelling. No output means that log and plan are written in the one way they may be.

       jq -cS . log.jsonl | cmp - log.jsonl
       jq -cjS . plan.json | cmp - plan.json

5. Plan. The two digests must be the same, and every source must be OK.

       head -n 1 log.jsonl | jq -r .data.plan_sha256; sha256sum plan.json
       jq -r '.sources[] | .sha256 + "  source/" + .file' plan.json | sha256sum --strict -c

6. End. This must print "completed". Anything else is a ceremony that was aborted, is not over, or lost its end.

       tail -n 1 log.jsonl | jq -r .data.outcome

WHAT THIS DOES NOT PROVE

- Whose record it is. Anybody can make a record that passes all of this, with a log key of their own. Compare
  keys/log-0.vkey, the origin (line 1 of each checkpoint) and the plan's digest with copies that did not come with it.
- That people agree with it. Nobody signed anything in a record of this format version: the names in it are claims of
  the machine that wrote it.
- When it happened. The times in it are that machine's clock.
- That it is the only copy. An older copy of the same record, or one that went on otherwise, passes as well.
- That the steps fit the plan: quorums, expected results, the device's own audit log, one key from generation to import.
  The verifier checks those; it needs the trust file from outside this folder.
"""
"""The whole file; the writer puts exactly this into a record, and the verifier compares it by bytes."""

VERIFY_TXT: Final = TEXT.encode()
"""The bytes of VERIFY.txt."""

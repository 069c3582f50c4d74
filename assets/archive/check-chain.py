"""Checks that the lines of run/journal.jsonl chain and that HEAD names the last one: python3 check-chain.py"""
import hashlib, json, os, sys
run, prev, seq = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run"), "0" * 64, -1
for seq, line in enumerate(open(os.path.join(run, "journal.jsonl"), "rb")):
    record = json.loads(line)
    if record["seq"] != seq or record["prev"] != prev:
        sys.exit(f"journal.jsonl, line {seq + 1}: does not follow the line before it")
    prev = hashlib.sha256(line.rstrip(b"\n")).hexdigest()
intact = json.load(open(os.path.join(run, "HEAD"))) == {"seq": seq, "sha256": prev}
sys.exit(None if intact and not print("intact:", seq + 1, "records, head", prev) else "HEAD names another last line")

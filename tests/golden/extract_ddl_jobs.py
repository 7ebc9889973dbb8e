#!/usr/bin/env python3
"""Writes ddl_jobs.jsonl: the job documents of the specification's worked example, one per line, and
the five that it calls analogous, made from their neighbours.

usage: extract_ddl_jobs.py schema-and-ddl.md > ddl_jobs.jsonl
"""
import json
import re
import sys


def job(base, info=None, db=None, **members):
    """A copy of `base` with other members; its binlog gets `info`, `db` and the version."""
    out = json.loads(base)
    binlog = out["binlog"]
    binlog.update(SchemaVersion=members.pop("version"), FinishedTS=members.pop("finished_ts"),
                  TableInfo=info, DBInfo=db, MultipleTableInfos=None)
    out.update(members)
    return json.dumps(out, separators=(",", ":"))


def name(text):
    return {"O": text, "L": text.lower()}


documents = {}
for text in re.findall(r"```json\n(.*?)```", open(sys.argv[1], encoding="utf-8").read(), re.S):
    line = text.replace("\n", "")
    documents[json.loads(line)["id"]] = line

create = documents[105]
table_t = json.loads(documents[108])["binlog"]["TableInfo"]
del table_t["cols"][2]
documents[107] = job(create, table_t, id=107, version=52, finished_ts=446008894444011520,
                     table_id=106, table_name="t",
                     query="create table t (a int primary key, b varchar(10))")
arch = json.loads(documents[103])["binlog"]["DBInfo"]
arch.update(id=115, db_name=name("arch"))
documents[116] = job(documents[103], db=arch, id=116, version=70, finished_ts=446008896591495168,
                     schema_id=115, schema_name="arch", query="create database arch")
table_nt = json.loads(documents[121])["binlog"]["TableInfo"]
table_nt.update(id=122, name=name("nt"), partition=None)
documents[123] = job(create, table_nt, id=123, version=74, finished_ts=446008898738978816,
                     table_id=122, table_name="nt", query="create table nt like pt_tmpl")
view = json.loads(documents[131])["binlog"]["TableInfo"]
view.update(id=133, name=name("v1"), view={"view_algorithm": 0, "view_cols": [name("a")]})
documents[134] = job(create, view, id=134, type=21, version=95, finished_ts=446008901423333376,
                     table_id=133, table_name="v1", query="create view v1 as select a from s1")
sequence = dict(view, id=135, name=name("sq"), cols=[], view=None,
                sequence={"sequence_start": 1, "sequence_max_value": 9223372036854775806})
documents[136] = job(create, sequence, id=136, type=34, version=96,
                     finished_ts=446008901691768832, table_id=135, table_name="sq",
                     query="create sequence sq")
for _, line in sorted(documents.items()):
    print(line)

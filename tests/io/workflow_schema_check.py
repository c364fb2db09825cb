"""Validates documents against the JSON Schema of the workflow file.

Reads lines of JSON {"name", "sound", "document"} from the file that is named first; the schema is
named second. Prints one line for each document that the schema judges otherwise than `sound` says.
"""
import json
import sys

import jsonschema

with open(sys.argv[2], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
count = 0
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        case = json.loads(line)
        count += 1
        errors = [error.message for error in validator.iter_errors(case["document"])]
        if case["sound"] and errors:
            print("refused:", case["name"], errors[0])
        if not case["sound"] and not errors:
            print("accepted:", case["name"])
print("judged", count)

"""Prints the YAML file that it is given as JSON. A key that stands twice is an error."""

import json
import sys

import yaml


class Strict(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


with open(sys.argv[1], encoding="utf-8") as file:
    print(json.dumps(yaml.load(file, Strict)))

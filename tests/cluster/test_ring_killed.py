"""A workspace's key is replaced under an operator that is killed at random moments."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.conftest import StartOperator
from cluster.etcd_history import EtcdHistory
from cluster.ring_desk import RingDesk, ring_desk

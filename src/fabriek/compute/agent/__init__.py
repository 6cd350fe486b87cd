"""The agent: makes the site as the platform wants it, runs its jobs, sends what was used. Can be killed at any moment.

Why nothing is lost and nothing counts twice: every order can be carried out again (a job's uuid, an account's limits);
a usage batch gets its key and is on disk before it is sent, and the cursor moves only when the platform has answered.
"""

from fabriek.compute.agent.errors import TROUBLES, AgentError, AlreadyRunning, sentence_of
from fabriek.compute.agent.rounds import Agent
from fabriek.compute.agent.summary import RoundSummary
from fabriek.compute.agent.work import Lock, run

__all__ = ["TROUBLES", "Agent", "AgentError", "AlreadyRunning", "Lock", "RoundSummary", "run", "sentence_of"]

"""Operations: what runs. Agents, desired and enforced state, jobs, usage records."""

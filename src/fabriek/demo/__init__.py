"""Demo: the main job. A demonstration AI Factory, from the promise to the use."""

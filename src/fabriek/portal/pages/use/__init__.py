"""Pages to use what was awarded: signing in, projects, jobs, promises."""

"""The provider that the suite plays for a merchant: from request to response, its state, faults and mounts."""

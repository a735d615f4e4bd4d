"""The learned proposal at run time: card, model, sampler and monitor."""
